"""Type a text in the browser, and see base and update side by side.

Needs `requirements-visualize.txt`. Run as:

    python -m streamlit run scripts/extras/visualize.py -- training/base \
        training/update/model-best
"""

import sys

import streamlit as st
from spacy.language import Language
from spacy.tokens import Doc
from spacy_streamlit import visualize_ner, visualize_parser, visualize_tokens

from scripts.components import kind_of, labels_of
from scripts.scale.pipelines import open_pipeline

EXAMPLE = "Doctors in Nairobi told Anna Berg in May that malaria is back."


@st.cache_resource
def load(path: str) -> Language:
    """Load a pipeline once, however often the page is drawn."""
    return open_pipeline(path)


def draw(nlp: Language, doc: Doc, component: str, who: str) -> None:
    """Draw what a component finds in a doc."""
    kind = kind_of(nlp, component)
    if not kind.IS_DENSE:
        how = {"labels": labels_of(nlp, component), "show_table": False}
        visualize_ner(doc, title=who, key=who, **how)
    elif "DEP" in kind.ATTRS:
        visualize_parser(doc, title=who, key=who)
    else:
        attrs = ["text", "tag_", "pos_", "morph", "lemma_"]
        visualize_tokens(doc, attrs=attrs, title=who, key=who)


def main(base_path: str, updated_path: str, component: str = "ner") -> None:
    """Draw the page."""
    st.set_page_config(page_title="Base and update", layout="wide")
    text = st.text_area("Text", EXAMPLE)
    paths = {"base": base_path, "updated": updated_path}
    for column, (who, path) in zip(st.columns(2), paths.items(), strict=True):
        nlp = load(path)
        with column:
            st.caption(path)
            draw(nlp, nlp(text), component, who)


if __name__ == "__main__":
    main(*sys.argv[1:])
