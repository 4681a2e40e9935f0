"""The parser: its facts are arcs, `(token, head, label)`; a root is its own head."""

from collections.abc import Collection, Iterable, Iterator
from typing import Any

import numpy as np
from spacy.language import Language
from spacy.tokens import Doc, Span
from spacy.training import Example
from spacy.util import minibatch
from thinc.api import Model
from typing_extensions import override

from scripts.components.kind import FACTORIES, LIKELY, MARKS, NewLabels
from scripts.components.moves import MoveKind

# Parses that a beam search follows.
BEAM_WIDTH = 8
ROOT = "ROOT"
Arc = tuple[int, int, str]


class Parser(MoveKind):
    """The parser. What has no docstring here is described in `Kind`.

    spaCy takes a missing head for a root, so the parser learns from complete trees
    alone: what a person annotated goes into the base's tree.
    """

    FACTORY = "parser"
    NAME = "relations"
    PREFIX = "dep"
    ATTRS = ("DEP", "HEAD")
    LABEL_ATTR = "DEP"
    SHOW = "[(token.text, token.dep_, token.head.text) for token in nlp({text!r})]"
    UNRELATED = FACTORIES - {"parser"}

    @override
    def to_label(self, text: str) -> str:
        return ROOT if text.lower() == "root" else text

    @override
    def is_internal(self, label: str) -> bool:
        # What it could not learn, and the halves of arcs that cross others.
        return label == "dep" or "||" in label

    @override
    def check_label(self, label: str) -> None:
        super().check_label(label)
        if "||" in label:
            raise ValueError(f"a label that spaCy cannot learn: {label}")

    @override
    def check(
        self, doc: Doc, facts: set[Arc], is_sentence: bool, is_complete: bool
    ) -> None:
        heads, marked = [*range(len(doc))], {i for i, *_ in facts}
        for i, head, _ in facts:
            heads[i] = head
        for i in sorted(marked):
            if cycle := cycle_of(heads, i):
                words = " ← ".join(doc[j].text for j in [*cycle, i])
                raise ValueError(f"a cycle of relations: {words}")
        for i, head, label in sorted(facts):
            if (head == i) != (label == ROOT):
                reason = f"a root is its own head, and has the label {ROOT}"
                raise ValueError(f"{reason}: {doc[i].text!r} is {label}")
        roots = [doc[i].text for i in sorted(marked) if heads[i] == i]
        if is_sentence and len(roots) > 1:
            raise ValueError(f"two roots in a sentence: {roots[0]} and {roots[1]}")
        words = [token for token in doc if not token.is_space]
        free = [token.text for token in words if token.i not in marked]
        if is_complete and facts and free:
            reason = f"a tree in pieces: {free[0]!r} has no head; see --partial"
            raise ValueError(reason)

    @override
    def facts(self, doc: Doc) -> set[Arc]:
        return {(token.i, token.head.i, token.dep_) for token in doc if token.dep}

    @override
    def set_facts(self, doc: Doc, facts: Iterable[Arc]) -> None:
        heads, deps = tree_of(doc)
        for i, head, label in facts:
            heads[i], deps[i] = head, label
        set_tree(doc, heads, deps)

    @override
    def aligned_facts(self, predicted: Doc, gold: Doc) -> set[Arc]:
        heads, deps = Example(gold, predicted).get_aligned_parse(projectivize=False)
        arcs = zip(range(len(gold)), heads, deps, strict=True)
        return {(i, h, d) for i, h, d in arcs if h is not None and d}

    @override
    def show(self, doc: Doc, fact: Arc) -> str:
        i, head, label = fact
        return label if head == i else f"{label} ← {doc[head].text}"

    @override
    def draw(self, doc: Doc, sides: dict[str, set[Arc]]) -> dict[str, Any]:
        ends = [
            end for arcs in sides.values() for i, head, _ in arcs for end in (i, head)
        ]
        if not ends:
            return {}
        start, stop = min(ends), max(ends) + 1
        words = [{"text": token.text, "tag": ""} for token in doc[start:stop]]
        return {
            side: {
                "words": words,
                "arcs": [
                    {
                        "start": min(i, head) - start,
                        "end": max(i, head) - start,
                        "label": label,
                        "dir": "left" if i < head else "right",
                    }
                    for i, head, label in sorted(arcs)
                    if i != head
                ],
            }
            for side, arcs in sides.items()
        }

    @override
    def split_points(self, doc: Doc) -> list[int]:
        """List the tokens that no arc reaches over: the first of each sentence."""
        reach, points = 0, []
        for i in range(len(doc)):
            if reach < i:
                points.append(i)
            children = [token.i for token in doc[i].children]
            reach = max(reach, doc[i].head.i, *children, i)
        return [*points, len(doc)]

    @override
    def complete(self, doc: Doc, predicted: Doc, labels: Collection[str]) -> set[Arc]:
        """Put a person's arcs, in place, into the tree that the base predicts.

        A token that was looked at, and was not marked, keeps the base's arc, whatever
        its label: a tree has no missing values.
        """
        theirs = self.facts(doc)
        heads, deps = tree_of(predicted)
        graft(heads, deps, theirs)
        set_tree(doc, heads, deps)
        return self.facts(doc) - theirs

    @override
    def to_span(self, doc: Doc, fact: Arc) -> dict[str, Any]:
        head = doc[fact[1]]
        at = {"start": head.idx, "end": head.idx + len(head)}
        return {**super().to_span(doc, fact), "head": at}

    @override
    def to_mark(self, doc: Doc, fact: Arc) -> Span:
        i, head, label = fact
        return Span(doc, i, i + 1, label=label, kb_id=str(head))

    @override
    def marked_facts(self, doc: Doc, group: str = MARKS) -> set[Arc]:
        spans = doc.spans.get(group, ())
        return {(span.start, int(span.kb_id_), span.label_) for span in spans}

    @override
    def summarize(self, errors: dict[str, int]) -> dict[str, float]:
        n_gold = sum(errors.values()) - errors["spurious"]
        if not n_gold:
            return {}
        attached = errors["right"] + errors["label"]
        return {"LAS": errors["right"] / n_gold, "UAS": attached / n_gold}

    @override
    def keep_agreed(self, doc: Doc, predicted: Doc, labels: Collection[str]) -> bool:
        """Put agreed marks into the doc's tree; with another mark it is not used."""
        marks = self.marked_facts(doc)
        agreed = {m for m in marks & self.facts(predicted) if m[-1] in labels}
        if marks != agreed:
            return False
        heads, deps = tree_of(doc)
        graft(heads, deps, marks)
        set_tree(doc, heads, deps)
        return True

    @override
    def scored_facts(
        self, nlp: Language, component: str, docs: Iterable[Doc]
    ) -> Iterator[dict[Arc, float]]:
        parser = nlp.get_pipe(component)
        for batch in minibatch(docs, nlp.batch_size):
            beams = parser.beam_parse(batch, beam_width=BEAM_WIDTH)
            scored = zip(batch, *parser.scored_parses(beams), strict=True)
            for doc, heads, deps in scored:
                # What is left of a token's scores is that it is a root.
                arcs = {(i, i, ROOT): 1.0 for i in range(len(doc))}
                labels: dict[int, list[tuple[str, float]]] = {}
                for (i, label), score in deps.items():
                    labels.setdefault(i, []).append((label, score))
                for (i, head), score in heads.items():
                    arcs[i, i, ROOT] -= score
                    for label, other in labels.get(i, ()):
                        arcs[i, head, label] = min(score, other)
                yield {arc: score for arc, score in arcs.items() if score >= LIKELY}

    @override
    def grow(self, nlp: Language, component: str, new: NewLabels) -> None:
        """Make room for new labels: their moves begin as those of their parents.

        A label that stands only in the annotations is learned as `dep`, in silence.
        """
        parser = nlp.get_pipe(component)
        old = [*parser.labels]
        for label in new.names:
            parser.add_label(label)
        moves = {name: i for i, name in enumerate(parser.move_names)}
        has_upper = parser.model.attrs["has_upper"]
        layer = parser.model.get_ref("upper" if has_upper else "lower")
        for label in new.names:
            parent = new.parent_of(label, old)
            for move in "LR":
                known = moves.get(f"{move}-{parent}")
                if known is not None:
                    copy_row(layer, known, moves[f"{move}-{label}"])
        # All of them may be predicted from now on.
        parser.model.attrs["unseen_classes"].clear()


def copy_row(layer: Model, source: int, target: int) -> None:
    """Copy the weights of one output of a layer to another."""
    for name in ("W", "b", "pad"):
        if layer.has_param(name):
            values = layer.get_param(name).copy()
            # The lower layer has its outputs behind the features, but in the bias.
            axis = 0 if values.ndim < 3 else values.ndim - (3 if name == "W" else 2)
            moved = values.swapaxes(0, axis)
            moved[target] = moved[source]
            layer.set_param(name, values)


def tree_of(doc: Doc) -> tuple[list[int], list[str]]:
    """Return the head and the label of each token; an empty label is a missing arc."""
    return [token.head.i for token in doc], [token.dep_ for token in doc]


def set_tree(doc: Doc, heads: list[int], deps: list[str]) -> None:
    """Set the head and the label of each token of a doc."""
    ids = [doc.vocab.strings.add(label) if label else 0 for label in deps]
    offsets = [head - i for i, head in enumerate(heads)]
    columns = [np.array(offsets, dtype="int64"), np.array(ids, dtype="uint64")]
    array = np.stack([column.astype("uint64") for column in columns], axis=1)
    doc.from_array(["HEAD", "DEP"], array)


def graft(heads: list[int], deps: list[str], arcs: Iterable[Arc]) -> None:
    """Put arcs, which make no circle, into a tree, in place, and repair it.

    A token moved below one of its own descendants leaves its place to the child that
    the circle would run through; a new root takes the old one of its sentence below it.
    What the arcs are about is never changed.
    """
    given = {i: (head, label) for i, head, label in arcs}
    done: set[int] = set()
    # Roots first: what is moved after that finds its place below them.
    for i in sorted(given, key=lambda i: (given[i][0] != i, i)):
        (head, label), was = given[i], deps[i]
        path = path_to_root(heads, head)
        if head == i:
            root = path[-1]
            if root != i and given.get(root, (None,))[0] != root:
                heads[root], deps[root] = i, was
        elif i in path:
            child = [j for j in path[: path.index(i)] if j not in done][-1]
            is_root = heads[i] == i
            heads[child] = child if is_root else heads[i]
            deps[child] = ROOT if is_root else was
        heads[i], deps[i] = head, label
        done.add(i)


def path_to_root(heads: list[int], i: int) -> list[int]:
    """List a token of a tree and all that it hangs on, up to the root."""
    path = [i]
    while heads[i] != i:
        i = heads[i]
        path.append(i)
    return path


def cycle_of(heads: list[int], i: int) -> list[int]:
    """List the tokens from a token up to itself, if its heads run in a circle."""
    path, j = [], i
    while heads[j] != j and len(path) <= len(heads):
        path.append(j)
        j = heads[j]
        if j == i:
            return path
    return []
