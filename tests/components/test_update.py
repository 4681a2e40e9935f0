"""A tagger, a morphologizer and a parser, updated as the steps do it."""

import pytest
import spacy
import srsly
import test_transformer
from conftest import write_settings
from spacy.tokens import Doc
from test_tokens import LABELS, NEW, WORDS, facts_of, make_base

from scripts.components import KINDS
from scripts.components.frozen import serialize
from scripts.components.kind import MARKS
from scripts.configure import main as configure
from scripts.docs import read_docs, write_docs
from scripts.scale.pipelines import load_component
from scripts.scale.shards import MANIFEST, checksum
from scripts.specialist import main as specialist
from scripts.train import main as train

# A fixture.
transformer_base = test_transformer.transformer_base


def taught(kind):
    """The facts of the sentence with a new label for its last token."""
    facts = {fact for fact in facts_of(kind) if fact[0] != 4}
    return facts | {(4, 1, NEW[kind]) if kind == "parser" else (4, NEW[kind])}


def update(folder, kind, min_steps=60, base=None, facts=(), **settings):
    """Teach a base a new label for `house`, in a few steps."""
    base = base or make_base()
    folder.mkdir(exist_ok=True)
    base.to_disk(folder / "base")
    doc = Doc(base.vocab, words=WORDS)
    KINDS[kind].set_facts(doc, facts or taught(kind))
    write_docs([doc], folder / "new.spacy")
    rehearsed = load_component(folder / "base", kind)
    shard = folder / "rehearsal" / "00000.spacy"
    texts = ["She left the house", "the big house left", "She left"]
    write_docs([rehearsed(text) for text in texts], shard)
    line = {"file": shard.name, "base": "", "texts": "", "md5": checksum(shard)}
    srsly.write_jsonl(folder / "rehearsal" / MANIFEST, [line])
    account = {"new_labels": [NEW[kind]], "carved": {NEW[kind]: [LABELS[kind][4]]}}
    account["manifest"] = checksum(folder / "rehearsal" / MANIFEST)
    srsly.write_json(folder / "rehearse.json", account)
    account = {"labels": [NEW[kind]], "new_labels": [NEW[kind]], "corrections": False}
    srsly.write_json(folder / "preprocess.json", account)
    configure(
        folder / "base",
        write_settings(folder / "update.cfg", min_steps, **settings),
        folder / "preprocess.json",
        folder / "rehearse.json",
        folder / "configs",
        train=folder / "new.spacy",
        dev=str(folder / "new.spacy"),
        rehearsal=str(folder / "chosen"),
        specialist=str(folder / "specialist" / "model-last"),
        logs=str(folder),
        component=kind,
    )
    specialist(
        folder / "configs",
        str(folder / "rehearsal"),
        folder / "rehearse.json",
        folder / "chosen",
        folder / "specialist",
        component=kind,
    )
    how = (folder / "trained", folder / "updated", folder / "rehearse.json")
    train(folder / "base", folder / "configs", *how, component=kind)
    return base, spacy.load(folder / "updated")


# The last layers alone take more steps.
@pytest.mark.parametrize("own_tok2vec, min_steps", [("true", 60), ("false", 600)])
@pytest.mark.parametrize("kind", LABELS)
def test_new_label_is_learned_and_all_else_is_as_it_was(
    tmp_path, kind, own_tok2vec, min_steps
):
    base, updated = update(tmp_path, kind, min_steps, own_tok2vec=own_tok2vec)
    # The attribute ruler comes after the morphologizer, and has the last word.
    others = ["attribute_ruler"] if kind == "morphologizer" else []
    doc = updated(" ".join(WORDS), disable=others)
    assert KINDS[kind].facts(doc) == taught(kind)
    before, after = serialize(base), serialize(updated)
    changed = {name for name in before if before[name] != after[name]}
    # A new tag has a part of speech, from the attribute ruler.
    assert changed == {kind} | ({"attribute_ruler"} if kind == "tagger" else set())
    assert updated.component_names == base.component_names
    listeners = updated.get_pipe("tok2vec").listening_components
    shares = own_tok2vec == "false"
    assert (kind in listeners) is shares
    if kind == "tagger":
        assert doc[4].tag_ == "NEW" and doc[4].pos_ == "NOUN"


@pytest.mark.slow
@pytest.mark.filterwarnings("default")
def test_tagger_that_listens_to_a_transformer_learns_a_new_tag(
    transformer_base, tmp_path
):
    facts = {(4, "NEW"), *((i, "X") for i in range(4))}
    how = {"base": transformer_base, "facts": facts}
    base, updated = update(tmp_path, "tagger", 30, **how)
    assert updated.get_pipe("tagger").labels == ("X", "NEW")
    before, after = serialize(base), serialize(updated)
    assert {name for name in before if before[name] != after[name]} == {"tagger"}
    assert updated.component_names == base.component_names
    assert updated(" ".join(WORDS)).has_annotation("TAG")
    with pytest.raises(ValueError, match="set own_tok2vec to true"):
        update(tmp_path / "frozen", "tagger", 30, own_tok2vec="false", **how)


@pytest.mark.parametrize("kind", LABELS)
def test_specialist_marks_the_new_label_in_rehearsal_docs(tmp_path, kind):
    update(tmp_path, kind)
    docs = [*read_docs(tmp_path / "chosen", spacy.blank("en").vocab)]
    marked = {
        span.text
        for doc in docs
        for span in doc.spans[MARKS]
        if span.label_ == NEW[kind]
    }
    assert marked == {"house"}
