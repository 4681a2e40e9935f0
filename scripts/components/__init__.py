"""What an update needs to know of a component: a class for each kind of it.

`kind.py` says what a kind has, and what a *fact* is: what a person can annotate. Other
modules ask what `kind_of` returns; only the formats and the alignment of annotations
look at entities, tags and arcs themselves. To add a kind, write its class, and add it
to `KINDS`.
"""

from collections.abc import Iterable

from spacy.language import Language

from scripts.components.kind import Kind
from scripts.components.morphologizer import Morphologizer
from scripts.components.ner import Ner
from scripts.components.parser import Parser
from scripts.components.tagger import Tagger

# By the name of the pipe's factory in spaCy.
KINDS: dict[str, Kind] = {
    kind.FACTORY: kind for kind in (Ner(), Tagger(), Morphologizer(), Parser())
}


def kind_of(nlp: Language, component: str) -> Kind:
    """Return the kind of a component.

    In a pipeline without it, such as a blank one, the name is that of the factory.

    Raises:
        ValueError: If the kind is not supported.
    """
    is_there = component in nlp.component_names
    factory = nlp.get_pipe_meta(component).factory if is_there else component
    if factory not in KINDS:
        raise ValueError(
            f"'{component}' is of kind {factory}, which cannot be updated: set "
            f"vars.component to a component of kind {', '.join(KINDS)}."
        )
    return KINDS[factory]


def second_of(component: str) -> str:
    """Return the name of the second component, which has the new labels alone."""
    return f"{component}_new"


def pipes_of(nlp: Language, component: str) -> list[str]:
    """List the pipes that find the facts of a component: a second one, and itself."""
    names = (second_of(component), component)
    return [name for name in names if name in nlp.component_names]


def labels_of(nlp: Language, component: str) -> list[str]:
    """List the labels that a component and a second one know, in alphabetical order."""
    pipes = pipes_of(nlp, component)
    return sorted({label for pipe in pipes for label in nlp.pipe_labels[pipe]})


def parts_of(
    nlp: Language, component: str, labels: Iterable[str], keep: str
) -> dict[str, list[str]]:
    """Assign each annotated label to the pipe that learns it.

    A label that the pipeline knows is corrected where it is. A new one goes to a second
    component if `keep` is `exact` and the kind can have one, so that the base's own
    stays as it is, and else to the component. There is never a third component.

    Returns:
        The labels of each pipe that learns; new labels first.
    """
    second = second_of(component)
    is_exact = keep == "exact" and kind_of(nlp, component).HAS_SECOND
    owners = {
        label: pipe
        for pipe in pipes_of(nlp, component)
        for label in nlp.pipe_labels[pipe]
    }
    parts: dict[str, list[str]] = {second: [], component: []}
    for label in labels:
        parts[owners.get(label, second if is_exact else component)].append(label)
    return {pipe: some for pipe, some in parts.items() if some}


def listened_to(nlp: Language, component: str) -> dict[str, list[str]]:
    """List the pipes that a component listens to, with the names of all listeners.

    A second component counts as a part of it. There are none if the component owns its
    tok2vec.
    """
    pipes, listeners = {*pipes_of(nlp, component)}, {}
    for name, pipe in nlp.components:
        if hasattr(pipe, "find_listeners"):
            # spaCy leaves disabled ones out.
            for _, other in nlp.components:
                pipe.find_listeners(other)
            listeners[name] = pipe.listening_components
    return {name: names for name, names in listeners.items() if pipes & {*names}}
