"""What a second NER begins as."""

import pytest
import spacy
from conftest import TEXTS
from spacy.training import Example
from spacy.util import fix_random_seed, load_model_from_config
from thinc.api import Config

from scripts.components import KINDS
from scripts.components.kind import NewLabels

# The values of one section refer to another, as in a config that `init config` makes.
TOK2VEC = """
@architectures = "spacy.Tok2Vec.v2"

[SECTION.embed]
@architectures = "spacy.MultiHashEmbed.v2"
width = ${SECTION.encode.width}
attrs = ["NORM","SHAPE"]
rows = [100,50]
include_static_vectors = false

[SECTION.encode]
@architectures = "spacy.MaxoutWindowEncoder.v2"
width = 16
depth = DEPTH
window_size = 1
maxout_pieces = 2
"""
NER = """
[components.ner]
factory = "ner"

[components.ner.model]
@architectures = "spacy.TransitionBasedParser.v2"
state_type = "ner"
extra_state_tokens = false
hidden_width = 16
maxout_pieces = 2
use_upper = true

[components.ner.model.tok2vec]
"""
LISTENER = """
@architectures = "spacy.Tok2VecListener.v1"
width = ${components.tok2vec.model.encode.width}
upstream = "*"
"""
OWN_CONFIG = f"""
[nlp]
lang = "en"
pipeline = ["ner"]

[components]
{NER}{TOK2VEC.replace("SECTION", "components.ner.model.tok2vec")}
"""
SHARED_CONFIG = f"""
[nlp]
lang = "en"
pipeline = ["tok2vec","ner"]

[components]

[components.tok2vec]
factory = "tok2vec"

[components.tok2vec.model]
{TOK2VEC.replace("SECTION", "components.tok2vec.model")}
{NER}{LISTENER}
"""


def train_base(config, depth, folder):
    """Train a base from a config for some steps, save it, and load it."""
    fix_random_seed(0)
    config = Config().from_str(config.replace("DEPTH", str(depth)), interpolate=False)
    nlp = load_model_from_config(config, auto_fill=True)
    examples = [
        Example.from_dict(nlp.make_doc(text), {"entities": ents})
        for text, ents in TEXTS
    ]
    optimizer = nlp.initialize(lambda: examples)
    for _ in range(5):
        nlp.update(examples, sgd=optimizer)
    nlp.to_disk(folder)
    assert "${" in (folder / "config.cfg").read_text("utf-8")
    return spacy.load(folder)


def layers_of(model):
    """Serialize the tables of embeddings of a tok2vec, and its layers."""
    nodes = list(model.walk(order="dfs_pre"))
    tables = [node.to_bytes() for node in nodes if node.name == "hashembed"]
    blocks = [node for node in nodes if node.name.startswith("residual")]
    # The chain of all of them has a name that begins as theirs.
    return tables, [b.to_bytes() for b in blocks if ">>residual" not in b.name]


@pytest.mark.parametrize("depth, n_layers", [(1, 1), (2, 2), (4, 2)])
@pytest.mark.parametrize("config", [OWN_CONFIG, SHARED_CONFIG])
def test_second_ner_begins_as_the_first_layers_of_the_tok2vec_that_the_base_uses(
    tmp_path, config, depth, n_layers
):
    base = train_base(config, depth, tmp_path)
    source = base.get_pipe("ner").model.get_ref("tok2vec").layers[0]
    if "tok2vec" in base.pipe_names:
        source = base.get_pipe("tok2vec").model
    before = base.to_bytes(exclude=["vocab"])
    second = KINDS["ner"].make_start(
        base, "ner", "ner_new", NewLabels(["DRUG", "DISEASE"], {}, {})
    )
    assert base.to_bytes(exclude=["vocab"]) == before
    assert second.component_names == ["ner_new"]
    assert second.get_pipe("ner_new").labels == ("DISEASE", "DRUG")
    tok2vec = second.get_pipe("ner_new").model.get_ref("tok2vec").layers[0]
    (tables, layers), (own_tables, own_layers) = map(layers_of, (source, tok2vec))
    assert len(layers) == depth and len({*layers}) == depth
    assert own_tables == tables and len(tables) == 2
    assert own_layers == layers[:n_layers]
    # It runs, and begins by predicting something for any text.
    assert second("Flu is back in Oslo.").has_annotation("ENT_IOB")
