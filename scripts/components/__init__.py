"""What an update needs to know of a component: one module a kind, the same functions.

Every other module asks `kind_of` for the kind and calls these functions; none of them
looks at entities itself. A *fact* is what a person can annotate in a doc: for the NER
`(start, end, label)` over tokens, the end exclusive. The label is the last item.

A kind has: `ATTRS` (what a `.spacy` file stores), `UNRELATED` (factories that take no
part in its facts), `facts`, `unseen_tokens`, `aligned_facts`, `overlap`, `to_spans`,
`split_points`, `complete`, `to_row`, `mark`, `keep_agreed`, `prepare` and `score`.
To add one, write the module and name the factory in `KINDS`.
"""

from types import ModuleType

from spacy.language import Language

from scripts.components import ner

# By the name of the pipe's factory in spaCy.
KINDS: dict[str, ModuleType] = {"ner": ner}
# What all kinds store: a `.spacy` file is read without knowing whose it is.
ATTRS = sorted({attr for kind in KINDS.values() for attr in kind.ATTRS})


def kind_of(nlp: Language, component: str) -> ModuleType:
    """Return the module of a component's kind.

    Args:
        nlp: The pipeline.
        component: Name of the pipe to update. A blank pipeline has none: there the name
            is that of the factory.

    Raises:
        ValueError: If the pipeline has no such pipe, or its kind is not supported.
    """
    factory = component
    if nlp.component_names:
        if component not in nlp.pipe_names:
            raise ValueError(
                f"The pipeline has no component '{component}' to update: set "
                f"vars.component to one of {', '.join(nlp.pipe_names)}."
            )
        factory = nlp.get_pipe_meta(component).factory
    if factory not in KINDS:
        raise ValueError(
            f"'{component}' is a {factory}, which cannot be updated: set "
            f"vars.component to a component of kind {', '.join(KINDS)}."
        )
    return KINDS[factory]


def listened_to(nlp: Language, component: str) -> dict[str, list[str]]:
    """List the pipes that a component listens to, with all listeners of each.

    Returns:
        Names of the listeners by name of the pipe; empty if the component owns its
        tok2vec.
    """
    listeners = {
        name: getattr(pipe, "listening_components", []) for name, pipe in nlp.pipeline
    }
    return {name: names for name, names in listeners.items() if component in names}
