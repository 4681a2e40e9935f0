"""What an update needs to know of a component: a module for each kind of it.

All have the same functions, which other modules call on what `kind_of` returns. Only
the formats and the alignment of annotations look at entities themselves. A *fact* is
what a person can annotate in a doc: for the NER `(start, end, label)` over tokens, the
end exclusive. The label is the last item.

`ner.py` shows what a kind has: constants, and functions from `facts` to `score`.
To add one, write the module and name the factory in `KINDS`.
"""

from types import ModuleType

from spacy.language import Language

from scripts.components import ner

# By the name of the pipe's factory in spaCy.
KINDS: dict[str, ModuleType] = {"ner": ner}
# What all kinds store: a `.spacy` file is read without knowing whose it is.
ATTRS = sorted({attr for kind in KINDS.values() for attr in kind.ATTRS})
LABEL_ATTRS = {kind.LABEL_ATTR for kind in KINDS.values()}


def kind_of(nlp: Language, component: str) -> ModuleType:
    """Return the module of a component's kind.

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


def listened_to(nlp: Language, component: str) -> dict[str, list[str]]:
    """List the pipes that a component listens to, with the names of all listeners.

    There are none if the component owns its tok2vec.
    """
    listeners = {
        name: getattr(pipe, "listening_components", []) for name, pipe in nlp.components
    }
    return {name: names for name, names in listeners.items() if component in names}
