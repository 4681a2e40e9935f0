"""Type a text in the browser, and see base and update side by side.

The must-pass sentences are in the sidebar: one click shows what both find there. Needs
`requirements-visualize.txt`. Run as:

    python -m streamlit run scripts/extras/visualize.py -- training/base \
        training/update/model-best ner training/metrics.json
"""

import string
import sys
from pathlib import Path

import streamlit as st
from spacy.language import Language
from spacy.tokens import Doc
from spacy_streamlit import visualize_ner, visualize_parser, visualize_tokens

from scripts.components import kind_of, labels_of
from scripts.evaluation.metrics import Metrics, read_metrics
from scripts.scale.pipelines import open_pipeline

EXAMPLE = "Doctors in Nairobi told Anna Berg in May that malaria is back."
# Streamlit reads the name of a button as Markdown.
ESCAPES = {ord(sign): f"\\{sign}" for sign in string.punctuation}


@st.cache_resource
def load(path: str) -> Language:
    """Load a pipeline once, however often the page is drawn."""
    return open_pipeline(path)


@st.cache_data
def load_metrics(metrics_path: str, updated_path: str) -> Metrics:
    """Read the metrics of the update, if there are some."""
    path = Path(metrics_path)
    return read_metrics(path, Path(updated_path)) if path.is_file() else {}


def offer(metrics: Metrics) -> None:
    """Offer the must-pass sentences, first those that the update fails."""
    rows = sorted(metrics.get("must_pass", ()), key=lambda row: row["updated"])
    if rows:
        st.sidebar.caption("Must pass: ✔ the update passes, ✘ it fails")
    for number, row in enumerate(rows):
        text = " ".join(row["text"].split()).translate(ESCAPES)
        if st.sidebar.button(f"{'✔' if row['updated'] else '✘'} {text}", key=number):
            st.session_state["text"] = row["text"]


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


def main(
    base_path: str, updated_path: str, component: str = "ner", metrics_path: str = ""
) -> None:
    """Draw the page."""
    st.set_page_config(page_title="Base and update", layout="wide")
    st.session_state.setdefault("text", EXAMPLE)
    try:
        offer(load_metrics(metrics_path, updated_path))
    except ValueError as error:
        # Of an older update.
        st.sidebar.warning(str(error))
    text = st.text_area("Text", key="text")
    paths = {"base": base_path, "updated": updated_path}
    for column, (who, path) in zip(st.columns(2), paths.items(), strict=True):
        nlp = load(path)
        with column:
            st.caption(path)
            draw(nlp, nlp(text), component, who)


if __name__ == "__main__":
    main(*sys.argv[1:])
