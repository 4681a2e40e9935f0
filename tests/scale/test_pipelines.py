import pytest
import spacy
from conftest import TEXTS
from thinc.api import NumpyOps, get_current_ops

from scripts.scale.pipelines import load


@pytest.mark.skipif(type(get_current_ops()) is not NumpyOps, reason="not spaCy's BLIS")
def test_pipeline_to_annotate_with_multiplies_with_numpy_and_finds_the_same(
    base, tmp_path
):
    base.to_disk(tmp_path)
    ours, theirs = load(tmp_path), spacy.load(tmp_path)
    assert not any(node.ops.use_blis for node in ours.get_pipe("tok2vec").model.walk())
    assert get_current_ops().use_blis
    for text, _ in TEXTS:
        assert ours(text).to_json() == theirs(text).to_json()
