import pytest
import spacy
import srsly
from conftest import case_of, metrics_of
from weasel.util.hashing import get_checksum

from scripts.evaluation.metrics import pass_gates
from scripts.package import main


@pytest.fixture
def metrics(base, tmp_path):
    base.to_disk(tmp_path / "base")
    case = case_of("Flu is here", [(0, 1, "FLU")], updated=[(0, 1, "FLU")])
    _, metrics = metrics_of([case], labels=["FLU"])
    checksum = get_checksum(tmp_path / "base")
    return {**metrics, **pass_gates(metrics, 0.97, 0.3), "pipeline": checksum}


def package(folder, metrics):
    srsly.write_json(folder / "metrics.json", metrics)
    srsly.write_json(folder / "rehearse.json", {"rehearsal": 2883})
    names = ("base", "base", "metrics.json", "out")
    options = {"name": "new", "version": "0.2.0", "notes": [folder / "rehearse.json"]}
    main(*(folder / name for name in names), **options)


def test_meta_says_what_was_updated_and_how_well(tmp_path, metrics):
    package(tmp_path, metrics)
    meta = spacy.load(tmp_path / "out").meta
    assert "en_tiny 0.0.0, its NER updated with FLU" in meta["description"]
    assert "100.0 %" in meta["description"]
    assert meta["sources"][-1]["name"] == "en_tiny 0.0.0"
    performance = meta["performance"]
    assert performance["retention"] == performance["ents_f_new"] == 1.0
    assert performance["retention_interval"] is None
    assert performance["ents_per_type"]["OLD"]["r"] == 1.0


def test_model_card_tells_base_scores_scheme_and_limits(tmp_path, metrics):
    package(tmp_path, metrics)
    card = (tmp_path / "out" / "README.md").read_text("utf-8")
    assert card.startswith("# en_new 0.2.0\n")
    assert "| **Base** | en_tiny 0.0.0 |" in card
    assert "- **rehearse**: rehearsal 2883" in card
    assert "Kept: retention 1.000" in card
    assert "| FLU | 1 | 0.0 | 0.0 | 0.0 | 100.0 |" in card
    assert "- ner: GPE, PERSON" in card
    assert "1 are\n  kept, 0 have a new label, 0 are forgotten" in card


def test_model_card_says_what_the_pipeline_notes_of_itself(tmp_path, metrics):
    nlp = spacy.load(tmp_path / "base")
    nlp.meta["notes"] = "The mean of two."
    nlp.to_disk(tmp_path / "base")
    package(tmp_path, {**metrics, "pipeline": get_checksum(tmp_path / "base")})
    assert "The mean of two." in (tmp_path / "out" / "README.md").read_text("utf-8")


def test_pipeline_that_forgot_is_not_packaged(tmp_path, metrics):
    gates = pass_gates(metrics, 1.01, 0.3)
    with pytest.raises(ValueError, match=r"It forgot: retention 1.*Not packaged"):
        package(tmp_path, {**metrics, **gates})
    assert not (tmp_path / "out").exists()


def test_scores_of_another_pipeline_do_not_let_this_one_through(tmp_path, metrics):
    with pytest.raises(ValueError, match="of another pipeline: run evaluate"):
        package(tmp_path, {**metrics, "pipeline": "0"})
