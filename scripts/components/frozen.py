"""Check that an update changed nothing but its component."""

from spacy.language import Language

from scripts.components import kind_of, listened_to, pipes_of
from scripts.components.kind import NewLabels


def serialize(nlp: Language) -> dict[str, bytes]:
    """Serialize the components, the vectors and the lookups of a pipeline."""
    pipes = [(name, pipe) for name, pipe in nlp.components if hasattr(pipe, "to_bytes")]
    parts = {name: pipe.to_bytes(exclude=["vocab"]) for name, pipe in pipes}
    parts["vectors"] = nlp.vocab.vectors.to_bytes(exclude=["strings"])
    return {**parts, "lookups": nlp.vocab.lookups.to_bytes()}


def check_frozen(
    base: Language, updated: Language, component: str, new: NewLabels
) -> None:
    """Check that all but the updated component is as in the base, byte for byte.

    A second component belongs to it, and so does a tok2vec that nothing else listened
    to. What new labels have to change elsewhere is changed in the base, in place.

    Raises:
        ValueError: If something else differs.
    """
    kind_of(base, component).finish(base, new)
    own = {*pipes_of(updated, component)}
    shared = listened_to(base, component).items()
    own |= {name for name, listeners in shared if own >= {*listeners}}
    before, after = serialize(base), serialize(updated)
    names = before.keys() | after.keys()
    changed = sorted(n for n in names - own if before.get(n) != after.get(n))
    if changed:
        raise ValueError(
            f"Only {component} was to be updated, but {', '.join(changed)} is not as "
            "in the base. If nobody changed it by hand, please report it as a bug."
        )
