"""A base that was trained in another way: nothing of that enters an update."""

import shutil

import pytest
import spacy
from conftest import TEXTS, make_pipeline
from spacy.util import registry
from test_configure import found, others, update, weights

from scripts.components.frozen import check_frozen
from scripts.components.kind import NewLabels


@registry.callbacks("history.forget.v1")
def create_forget():
    def forget(nlp):
        for name in nlp.component_names:
            nlp.remove_pipe(name)
        return nlp

    return forget


def with_history(layout, folder):
    """A base whose config says how it was trained, from files that changed since."""
    nlp = make_pipeline(layout)
    # As `spacy pretrain` writes it: the weights of the shared tok2vec, and not these.
    other = make_pipeline("shared").get_pipe("tok2vec").model
    for node in other.walk():
        for name in node.param_names:
            node.set_param(name, node.get_param(name) + 1)
    folder.mkdir()
    (folder / "model.bin").write_bytes(other.to_bytes())
    vectors = spacy.blank("en")
    vectors.vocab.reset_vectors(width=8)
    vectors.vocab.set_vector("Oslo", [9.0] * 8)
    vectors.to_disk(folder / "vectors")
    config = nlp.config
    config["paths"] = {
        "vectors": str(folder / "vectors"),
        "init_tok2vec": str(folder / "model.bin"),
        "raw_text": str(folder / "raw.jsonl"),
    }
    config["corpora"] = {
        "train": {"@readers": "history.gone.v1", "path": "${paths.raw_text}"},
        "pretrain": {"@readers": "spacy.JsonlCorpus.v1", "path": "${paths.raw_text}"},
    }
    config["pretraining"] = {"component": "tok2vec", "layer": ""}
    forget = {"@callbacks": "history.forget.v1"}
    config["initialize"] = {
        "vectors": "${paths.vectors}" if layout == "vectors" else None,
        "init_tok2vec": "${paths.init_tok2vec}",
        "vocab_data": None,
        "lookups": None,
        "before_init": forget,
        "after_init": forget,
        "components": {"ner": {"labels": ["GONE"]}},
        "tokenizer": {},
    }
    config["training"]["before_to_disk"] = forget
    config["training"]["before_update"] = forget
    nlp.config = config
    return nlp


@pytest.mark.parametrize("is_gone", [False, True], ids=["changed", "gone"])
@pytest.mark.parametrize(
    "layout, keep", [("shared", "one"), ("shared", "exact"), ("vectors", "exact")]
)
def test_how_a_base_was_trained_does_not_enter_an_update(
    layout, keep, is_gone, tmp_path
):
    base = with_history(layout, tmp_path / "files")
    if is_gone:
        shutil.rmtree(tmp_path / "files")
    updated = update(base, tmp_path / "update", keep=keep)
    check_frozen(base, updated, "ner", NewLabels(["DISEASE"], {}, {}))
    for text, _ in TEXTS:
        assert others(updated, text) == others(base, text)
    assert (weights(updated) == weights(base)) == (keep == "exact")


@pytest.mark.parametrize("keep", ["one", "exact"])
def test_tok2vec_that_only_a_disabled_component_listens_to_is_kept(keep, tmp_path):
    base = make_pipeline("disabled listener")
    updated = update(base, tmp_path, keep=keep)
    assert "tok2vec" in updated.component_names
    for nlp in (base, updated):
        nlp.enable_pipe("tagger")
    for text, _ in TEXTS:
        assert others(updated, text) == others(base, text)
        assert keep == "one" or found(updated, text) == found(base, text)
