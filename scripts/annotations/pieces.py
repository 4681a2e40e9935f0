"""Long annotated docs, split for training."""

from collections.abc import Callable, Iterator

from spacy.tokens import Doc, Span

# Words of a doc that training reads at once. A longer doc would be a batch, and a step,
# on its own, and the other docs would be read as often as there are steps.
MAX_WORDS = 1500


def split_doc(
    doc: Doc, split_points: Callable[[Doc], list[int]], max_words: int = MAX_WORDS
) -> Iterator[Doc]:
    """Split a long doc: after a sentence if one ends in the last half of a piece.

    Annotations and span groups are kept: `split_points` lists the tokens that the doc
    can be split before. A piece is longer than `max_words` where an annotation is.
    """
    if len(doc) <= max_words:
        yield doc
        return
    points = split_points(doc)
    start = 0
    while len(doc) - start > max_words:
        last = start + max_words
        near = [i for i in points if last - max_words // 2 <= i <= last]
        ends = [i for i in near if doc[i - 1].text.strip() in {"", *".!?。！？"}]
        later = (i for i in points if i >= last)
        end = ends[-1] if ends else near[-1] if near else next(later)
        yield piece_of(doc, start, end)
        start = end
    if start < len(doc):
        yield piece_of(doc, start, len(doc))


def piece_of(doc: Doc, start: int, end: int) -> Doc:
    """Copy a piece of a doc with its span groups; `Span.as_doc` drops them."""
    piece = doc[start:end].as_doc()
    for name, group in doc.spans.items():
        piece.spans[name] = [
            Span(piece, span.start - start, span.end - start, label=span.label_)
            for span in group
            if start <= span.start and span.end <= end
        ]
    return piece
