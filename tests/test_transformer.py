"""A base whose NER listens to a transformer: tiny, with weights at random."""

import pytest
import spacy
from conftest import TEXTS
from spacy.training import Example
from test_configure import CORRECTIONS, OSLO, found, others, update, weights
from thinc.api import Config

from scripts.extras.average import check_weights

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("default"),
]

CONFIG = """
[nlp]
lang = "en"
pipeline = ["transformer","tagger","ner"]

[components]

[components.transformer]
factory = "curated_transformer"
all_layer_outputs = false

[components.transformer.model]
@architectures = "spacy-curated-transformers.BertTransformer.v1"
vocab_size = 40
num_hidden_layers = 1
num_attention_heads = 2
intermediate_width = 16
hidden_width = 16
piece_encoder = {"@architectures":"spacy-curated-transformers.WordpieceEncoder.v1"}
with_spans = {"@architectures":"spacy-curated-transformers.WithStridedSpans.v1"}

[components.tagger]
factory = "tagger"

[components.tagger.model]
@architectures = "spacy.Tagger.v2"

[components.tagger.model.tok2vec]
@architectures = "spacy-curated-transformers.LastTransformerLayerListener.v1"
width = 16
pooling = {"@layers":"reduce_mean.v1"}

[components.ner]
factory = "ner"

[components.ner.model]
@architectures = "spacy.TransitionBasedParser.v2"
state_type = "ner"
extra_state_tokens = false
hidden_width = 16
maxout_pieces = 2
use_upper = false

[components.ner.model.tok2vec]
@architectures = "spacy-curated-transformers.LastTransformerLayerListener.v1"
width = 16
pooling = {"@layers":"reduce_mean.v1"}

[initialize]

[initialize.components]

[initialize.components.transformer]

[initialize.components.transformer.piecer_loader]
@model_loaders = "spacy-curated-transformers.WordpieceLoader.v1"
path = null
"""


@pytest.fixture
def transformer_base(tmp_path):
    pytest.importorskip("spacy_curated_transformers")
    letters = "abcdefghijklmnopqr"
    pieces = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", *letters]
    pieces += [f"##{letter}" for letter in letters]
    (tmp_path / "pieces.txt").write_text("\n".join(pieces))
    loader = "initialize.components.transformer.piecer_loader.path"
    overrides = {loader: str(tmp_path / "pieces.txt")}
    nlp = spacy.util.load_model_from_config(
        Config().from_str(CONFIG, overrides=overrides), auto_fill=True
    )
    examples = [
        Example.from_dict(
            nlp.make_doc(text),
            {"entities": ents, "tags": ["X"] * len(nlp.make_doc(text))},
        )
        for text, ents in TEXTS
    ]
    nlp.initialize(lambda: examples)
    return nlp


def test_update_changes_the_ner_of_a_transformer_base_and_nothing_else(
    transformer_base, tmp_path
):
    update(transformer_base, tmp_path / "first")
    specialist = str(tmp_path / "first" / "trained" / "update" / "model-last")
    updated = update(transformer_base, tmp_path / "second", specialist=specialist)
    assert updated.pipe_names == ["transformer", "tagger", "ner"]
    text = "Anna Berg left Lima on Monday."
    assert others(updated, text) == others(transformer_base, text)
    before, after = (
        nlp.get_pipe("transformer").model.to_bytes()
        for nlp in (transformer_base, updated)
    )
    assert before == after
    assert "DISEASE" in updated.get_pipe("ner").labels


def test_corrections_go_to_the_ner_of_a_transformer_base(transformer_base, tmp_path):
    how = {"account": CORRECTIONS, "spans": [OSLO]}
    updated = update(transformer_base, tmp_path, max_steps=30, **how)
    assert updated.pipe_names == ["transformer", "tagger", "ner"]
    assert weights(transformer_base) != weights(updated)
    text = "Anna Berg left Lima on Monday."
    assert others(updated, text) == others(transformer_base, text)


def test_exact_adds_a_small_ner_with_a_tok2vec_of_its_own_to_a_transformer_base(
    transformer_base, tmp_path
):
    updated = update(transformer_base, tmp_path, max_steps=250, keep="exact")
    assert updated.pipe_names == ["transformer", "tagger", "ner_new", "ner"]
    assert updated.get_pipe("ner_new").labels == ("DISEASE",)
    base = spacy.load(tmp_path / "base")
    for name in base.pipe_names:
        assert weights(base, name) == weights(updated, name)
    assert ("Flu", "DISEASE") in found(updated, "Flu is back in Oslo.")
    # It listens to nothing: the transformer feeds the others alone.
    listeners = updated.get_pipe("transformer").listening_components
    assert sorted(listeners) == ["ner", "tagger"]


def test_average_of_transformers_is_refused(transformer_base):
    with pytest.raises(ValueError, match="transformer cannot be averaged"):
        check_weights(transformer_base, "ner")
