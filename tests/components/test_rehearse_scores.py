"""Scores that are rehearsed: what was forgotten comes back, and no more changes."""

import numpy as np
import pytest
from conftest import TEXTS, make_pipeline
from spacy.training import Example
from test_tokens import LABELS, WORDS, make_base
from test_update import update

from scripts.components import KINDS
from scripts.components.frozen import serialize
from scripts.docs import write_docs
from scripts.functions import create_rehearse_scores


def base_of(kind):
    """A base with a component of a kind that has a tok2vec of its own, and texts."""
    if kind == "ner":
        return make_pipeline("own"), [text for text, _ in TEXTS]
    nlp = make_base()
    nlp.replace_listeners("tok2vec", kind, ["model.tok2vec"])
    return nlp, [" ".join(WORDS), "She left", "the big house"]


def wrong_facts(kind, n_tokens):
    """Facts for each token of a doc that the base does not find."""
    label = LABELS[kind][0]
    if kind == "parser":
        return [(i, 0, "ROOT" if i == 0 else label) for i in range(n_tokens)]
    return [(i, label) for i in range(n_tokens)]


def gradient_of(pipe):
    """The gradient of a pipe's weights that has come together since its last update."""
    nodes = ((node, name) for node in pipe.model.walk() for name in node.grad_names)
    parts = [node.get_grad(name).ravel() for node, name in nodes if node.has_grad(name)]
    return np.concatenate([*parts, np.zeros(1, dtype="float32")])


@pytest.mark.parametrize("kind", ["ner", *LABELS])
def test_pipe_that_forgot_finds_again_what_it_found_by_its_scores_alone(kind, tmp_path):
    nlp, texts = base_of(kind)
    write_docs(map(nlp.make_doc, texts), tmp_path / "rehearsal.spacy")
    # spaCy gives a callback the strings of its config.
    rehearse = create_rehearse_scores(str(tmp_path / "rehearsal.spacy"), kind, 30, 1.0)
    pipe, facts = nlp.get_pipe(kind), KINDS[kind].facts
    found = [facts(nlp(text)) for text in texts]
    assert any(found)
    nothing = gradient_of(pipe)
    rehearse(nlp, {})
    # What is as it was has nothing to learn.
    np.testing.assert_allclose(gradient_of(pipe), nothing, atol=1e-4)
    examples = []
    for text in texts:
        doc = nlp.make_doc(text)
        if kind == "ner":
            doc.set_ents([], default="outside")
        else:
            KINDS[kind].set_facts(doc, wrong_facts(kind, len(doc)))
        examples.append(Example(nlp.make_doc(text), doc))
    optimizer = nlp.create_optimizer()
    for _ in range(60):
        pipe.update(examples, sgd=optimizer)
    assert [facts(nlp(text)) for text in texts] != found
    for _ in range(200):
        rehearse(nlp, {})
        pipe.finish_update(optimizer)
    assert [facts(nlp(text)) for text in texts] == found


@pytest.mark.parametrize("kind", LABELS)
def test_scores_are_rehearsed_where_the_tok2vec_is_shared(kind, tmp_path):
    how = {"own_tok2vec": "false", "weight": 3.0, "n_words": 6}
    base, updated = update(tmp_path, kind, **how)
    before, after = serialize(base), serialize(updated)
    changed = {name for name in before if before[name] != after[name]}
    assert kind in changed and "tok2vec" not in changed


def test_weight_of_nothing_rehearses_nothing(base, tmp_path):
    before = base.get_pipe("ner").to_bytes()
    # The folder is not even read.
    create_rehearse_scores(tmp_path / "none", "ner", 30, 0.0)(base, {})
    assert base.get_pipe("ner").to_bytes() == before
    assert not gradient_of(base.get_pipe("ner")).any()


@pytest.mark.parametrize("texts", [[], ["", ""]])
def test_no_docs_to_rehearse_is_an_error_and_no_endless_wait(base, tmp_path, texts):
    write_docs(map(base.make_doc, texts), tmp_path / "rehearsal.spacy")
    rehearse = create_rehearse_scores(tmp_path / "rehearsal.spacy", "ner", 30, 1.0)
    with pytest.raises(ValueError, match="has no docs with words: run the step"):
        rehearse(base, {})
