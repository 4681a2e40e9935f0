import pytest
import spacy
import srsly
from weasel.util.hashing import get_checksum

from scripts.package import main


@pytest.fixture
def metrics(base, tmp_path):
    base.to_disk(tmp_path / "base")
    prf = {"p": 1.0, "r": 0.5, "f": 0.6}
    both = {"base": prf, "updated": prf}
    return {
        "passed": True,
        "pipeline": get_checksum(tmp_path / "base"),
        "retention": 0.991,
        "old": both,
        "new": {**both, "labels": {"DISEASE": both}},
        "labels": {"DISEASE": both, "GPE": both},
    }


def package(folder, metrics):
    srsly.write_json(folder / "metrics.json", metrics)
    main(folder / "base", folder / "base", folder / "metrics.json", folder / "out")


def test_meta_says_what_was_updated_and_how_well(tmp_path, metrics):
    package(tmp_path, metrics)
    meta = spacy.load(tmp_path / "out").meta
    assert "en_tiny 0.0.0, its NER updated with DISEASE" in meta["description"]
    assert "99.1 %" in meta["description"]
    assert meta["sources"][-1]["name"] == "en_tiny 0.0.0"
    assert meta["performance"]["retention"] == 0.991
    assert meta["performance"]["ents_per_type"]["GPE"]["r"] == 0.5


def test_pipeline_that_forgot_is_not_packaged(tmp_path, metrics):
    with pytest.raises(ValueError, match="did not pass"):
        package(tmp_path, {**metrics, "passed": False})
    assert not (tmp_path / "out").exists()


def test_scores_of_another_pipeline_do_not_let_this_one_through(tmp_path, metrics):
    with pytest.raises(ValueError, match="of another pipeline: run evaluate"):
        package(tmp_path, {**metrics, "pipeline": "0"})
