from zipfile import ZipFile

import pytest
import spacy
import srsly
from conftest import KEPT, case_of, metrics_of
from weasel.util.hashing import get_checksum

from scripts.evaluation.gates import pass_gates
from scripts.evaluation.layout import read_notes
from scripts.package import describe, main, to_card

FLU = case_of("Flu is here", [(0, 1, "FLU")], updated=[(0, 1, "FLU")])


@pytest.fixture
def metrics(base, tmp_path):
    base.to_disk(tmp_path / "base")
    _, metrics = metrics_of([FLU], labels=["FLU"])
    checksum = get_checksum(tmp_path / "base")
    return {**metrics, **pass_gates(metrics, 0.97, 0.3), "pipeline": checksum}


def package(folder, metrics, name="new", version="0.2.0"):
    srsly.write_json(folder / "metrics.json", metrics)
    rehearse = {"new_labels": ["FLU"], "carved": {}, "rehearsal": 2883}
    srsly.write_json(folder / "rehearse.json", rehearse)
    names = ("base", "base", "metrics.json", "rehearse.json", "out")
    main(*(folder / path for path in names), name=name, version=version)


def describe_and_save(folder, metrics):
    """Save the pipeline as it goes into the package, which takes seconds to build."""
    srsly.write_json(folder / "rehearse.json", {"rehearsal": 2883})
    nlp = spacy.load(folder / "base")
    nlp.meta |= {"name": "new", "version": "0.2.0"}
    nlp.meta.update(describe(srsly.read_json(folder / "base" / "meta.json"), metrics))
    card = to_card(nlp.meta, metrics, read_notes([folder / "rehearse.json"]))
    nlp.to_disk(folder / "out")
    return card


def test_meta_says_what_was_updated_and_how_well(tmp_path, metrics):
    describe_and_save(tmp_path, metrics)
    meta = spacy.load(tmp_path / "out").meta
    assert "en_tiny 0.0.0, updated with FLU" in meta["description"]
    assert "100.0 %" in meta["description"]
    assert meta["sources"][-1]["name"] == "en_tiny 0.0.0"
    performance = meta["performance"]
    assert performance["retention"] == performance["ents_f_new"] == 1.0
    assert performance["retention_interval"] is None
    assert performance["ents_per_type"]["OLD"]["r"] == 1.0


def test_meta_data_and_card_are_what_the_hub_reads(tmp_path, metrics):
    # `spacy huggingface-hub push` puts a front matter of its own before the card.
    path = tmp_path / "base" / "meta.json"
    srsly.write_json(path, {**srsly.read_json(path), "license": None})
    assert not describe_and_save(tmp_path, metrics).startswith("---")
    meta = srsly.read_json(tmp_path / "out" / "meta.json")
    assert (meta["license"], meta["lang"]) == ("", "en")
    assert meta["components"] == ["tok2vec", "tagger", "ner"]


def test_model_card_tells_base_scores_scheme_and_limits(tmp_path, metrics):
    card = describe_and_save(tmp_path, metrics)
    assert card.startswith("# en_new 0.2.0\n")
    assert "| **Base** | en_tiny 0.0.0 |" in card
    assert "- **rehearse**: rehearsal 2883" in card
    assert "Kept: F on the old labels is 100.0, before 100.0 (retention 1.000" in card
    assert "| FLU | 0.0 | 100.0 | +100.0 | – | 1 | 0.0 | 0.0 |" in card
    assert "- ner: GPE, PERSON" in card
    assert "still finds\n  1; 0 have a new label, and 0 are lost" in card


def test_model_card_keeps_the_history_of_all_rounds(tmp_path, metrics):
    meta = {"lang": "en", "name": "tiny", "version": "0.0.0", "labels": {}}
    meta["pipeline"] = ["ner"]
    for number, label in enumerate(("DRUG", "FLU|X"), start=1):
        metrics["new"] = {**metrics["new"], "labels": {label: {}}}
        account = {"files": {f"{label}.jsonl": "0" * 32}, "split_off": ["test"]}
        meta |= describe(meta, metrics, f"mine 0.{number}.0", account)
    assert [each["labels"] for each in meta["rounds"]] == [["DRUG"], ["FLU|X"]]
    metrics["new"]["labels"] = {}
    card = to_card({**meta, "notes": ""}, metrics, [])
    zeros = "0" * 32
    assert f"| mine 0.1.0 | DRUG | 100.0 | DRUG.jsonl {zeros} |" in card
    # A label can't end its cell.
    label = "FLU&#124;X"
    assert f"| mine 0.2.0 | {label} | 100.0 | {label}.jsonl {zeros} |" in card


def test_description_of_an_update_that_rounds_alone_judge_says_nothing_of_old_labels(
    metrics,
):
    metrics |= {"retention": None, "old_test_is_gold": False}
    metrics["changed"]["sure"]["share"] = None
    meta = {"lang": "en", "name": "tiny", "version": "0.0.0"}
    told = describe(meta, metrics)["description"]
    assert told == "en_tiny 0.0.0, updated with FLU by pseudo-rehearsal."


def test_model_card_says_what_the_pipeline_notes_of_itself(tmp_path, metrics):
    nlp = spacy.load(tmp_path / "base")
    nlp.meta["notes"] = "The average of two."
    nlp.to_disk(tmp_path / "base")
    assert "The average of two." in describe_and_save(tmp_path, metrics)


def test_agreement_with_the_base_is_not_called_kept(tmp_path, metrics):
    _, without_gold = metrics_of([FLU], labels=["FLU"], is_gold=False)
    without_gold |= pass_gates(without_gold)
    card = describe_and_save(tmp_path, {**metrics, **without_gold})
    assert "Agreement with the base on unseen text" in card
    assert "keep" not in card and "kept" not in card.lower()
    assert "Changed: of 1 annotations that the base is sure of, 0.0 % are lost" in card
    meta = spacy.load(tmp_path / "out").meta
    changed = "Of what the base is sure of in unseen text 0.0 % changed."
    assert meta["description"].endswith(changed)
    assert meta["performance"]["retention"] is None
    assert meta["performance"]["changed"]["sure"]["kept"] == 1


def test_pipeline_that_forgot_is_not_packaged(tmp_path, metrics):
    gates = pass_gates(metrics, 1.01, 0.3)
    sentences = "^Stopped: not to .* The update forgot: F on .*nothing was packaged"
    with pytest.raises(ValueError, match=f"{sentences}.*change vars.min_retention"):
        package(tmp_path, {**metrics, **gates})
    assert not (tmp_path / "out").exists()


def test_pipeline_that_changed_too_much_is_not_packaged(tmp_path, metrics):
    _, without_gold = metrics_of([FLU], labels=["FLU"], is_gold=False)
    gates = pass_gates(without_gold, max_changed=-1)
    sentences = (
        "^Stopped: not to .* The update changed too much: .*nothing was packaged"
    )
    with pytest.raises(ValueError, match=f"{sentences}.*change vars.max_changed"):
        package(tmp_path, {**metrics, **without_gold, **gates})
    assert not (tmp_path / "out").exists()


def test_pipeline_that_is_not_packaged_leaves_no_older_wheel(tmp_path, metrics):
    dist = tmp_path / "out" / "en_new-0.2.0" / "dist"
    dist.mkdir(parents=True)
    (dist / "en_new-0.2.0-py3-none-any.whl").touch()
    with pytest.raises(ValueError, match="nothing was packaged"):
        package(tmp_path, {**metrics, **pass_gates(metrics, 1.01, 0.3)})
    assert not list((tmp_path / "out").iterdir())


def test_pipeline_that_learned_too_little_is_not_packaged(tmp_path, metrics):
    gates = pass_gates(metrics, 0.97, 1.01)
    sentences = "The update learned too little of FLU.*nothing was packaged"
    with pytest.raises(ValueError, match=f"{sentences}.*annotate more texts, or"):
        package(tmp_path, {**metrics, **gates})
    assert not (tmp_path / "out").exists()


def test_scores_of_another_pipeline_do_not_let_this_one_through(tmp_path, metrics):
    with pytest.raises(ValueError, match="of another pipeline: run evaluate"):
        package(tmp_path, {**metrics, "pipeline": "0"})


def test_package_replaces_an_older_one_and_prints_its_wheel_alone(
    tmp_path, metrics, capfd
):
    old = tmp_path / "out" / "en_new-0.2.0" / "dist" / "en_old-0.1.0.whl"
    old.parent.mkdir(parents=True)
    old.touch()
    package(tmp_path, metrics)
    names = {"en_new-0.2.0-py3-none-any.whl", "en_new-0.2.0.tar.gz"}
    assert {path.name for path in old.parent.iterdir()} == names
    out, err = capfd.readouterr()
    assert out.count("en_new-0.2.0-py3-none-any.whl") == 1
    assert len(out) < 300 and err == ""
    assert (
        (old.parents[1] / "README.md").read_text("utf-8").startswith("# en_new 0.2.0")
    )
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["en_new-0.2.0"]


def test_hostile_meta_data_of_the_base_stay_values_of_the_wheel(tmp_path, metrics):
    path = tmp_path / "base" / "meta.json"
    hostile = {"author": "a\n\nRequires-Dist: evil", "license": "MIT\x1b[2J"}
    srsly.write_json(path, {**srsly.read_json(path), **hostile})
    metrics["pipeline"] = get_checksum(tmp_path / "base")
    package(tmp_path, metrics)
    [wheel] = tmp_path.glob("out/*/dist/*.whl")
    with ZipFile(wheel) as archive:
        data = archive.read("en_new-0.2.0.dist-info/METADATA").decode()
    lines = data.partition("\n\n")[0].splitlines()
    assert "Author: a Requires-Dist: evil" in lines
    assert "License: MIT[U+001B][2J" in lines
    [needed] = [line for line in lines if line.startswith("Requires-Dist")]
    assert needed.startswith("Requires-Dist: spacy")


@pytest.mark.parametrize(
    "name, version", [("../../x", "0.2.0"), ("x/../../y", "0.2.0"), ("x", "1/../../y")]
)
def test_package_outside_its_folder_is_refused(tmp_path, metrics, name, version):
    with pytest.raises(ValueError, match=r"correct vars\.name and vars\.version"):
        package(tmp_path, metrics, name, version)
    assert not (tmp_path / "out").exists()


def test_build_that_fails_shows_its_output(tmp_path, metrics, capfd):
    with pytest.raises(ValueError, match="cannot be built: see the output above"):
        package(tmp_path, metrics, name="no name")
    assert "not a valid module name" in capfd.readouterr().err
    assert not list((tmp_path / "out").iterdir())


def test_labels_in_the_model_card_are_escaped(tmp_path, metrics):
    label = "A|`B`<img src=x>\u202e"
    case = case_of("Flu is here", [(0, 1, label)], updated=[(0, 1, label)])
    # What is found in a text that is not about it is an example in the verdict.
    alarm = case_of(label, updated=[(0, 3, label)])
    _, hostile = metrics_of([case], [KEPT, alarm], labels=[label])
    card = describe_and_save(tmp_path, {**metrics, **hostile})
    escaped = "A&#124;&#96;B&#96;&lt;img src=x&gt;[U+202E]"
    assert f"| {escaped} | 0.0 | " in card and f"updated with {escaped} by" in card
    assert (
        "New labels are found 500 times in 1,000 texts of the old test: “A&#124;"
        in card
    )
    assert "<img" not in card and "\u202e" not in card and "`" not in card
