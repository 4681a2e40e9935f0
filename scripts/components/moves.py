"""What the NER and the parser share: both score the moves of a transition system."""

import numpy as np
from spacy.pipeline import TrainablePipe
from spacy.tokens import Doc
from thinc.api import Model, NumpyOps, set_dropout_rate
from typing_extensions import override

from scripts.components.kind import Kind


class MoveKind(Kind):
    """A kind that scores moves. What has no docstring here is described in `Kind`."""

    @override
    def rehearse(
        self, pipe: TrainablePipe, before: Model, docs: list[Doc], weight: float
    ) -> None:
        """Add to a pipe's gradient what makes it score moves as it did before.

        It is as spaCy's own `rehearse` of these pipes, but for what is compared: here
        the probabilities of moves. Both follow the moves that the pipe chose before.
        """
        states, softmax = pipe.moves.init_batch(docs), NumpyOps().softmax
        set_dropout_rate(pipe.model, 0.0)
        teacher = before.predict(docs)
        model, backprop_docs = pipe.model.begin_update(docs)
        # It has a rate of its own. Without dropout what is as it was learns nothing.
        set_dropout_rate(model, 0.0)
        while states:
            targets = teacher.predict(states)
            scores, backprop = model.begin_update(states)
            gradient = weight * (softmax(scores) - softmax(targets))
            backprop(np.ascontiguousarray(gradient, dtype="float32"))
            pipe.transition_states(states, targets)
            states = [state for state in states if not state.is_final()]
        backprop_docs(docs)
        model.clear_memory()
        teacher.clear_memory()
