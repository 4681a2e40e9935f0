import pytest
import spacy
import srsly
from conftest import SETTINGS, make_pipeline
from thinc.api import Config

from scripts.extras.average import average_of, main, plan
from scripts.files import remove
from scripts.report.origin import made_of


def weights(nlp, component="ner"):
    for node in nlp.get_pipe(component).model.walk():
        for name in node.param_names:
            if node.has_param(name):
                yield node, name, node.get_param(name)


def test_average_is_that_of_all_weights_and_has_no_score_of_one_run(tmp_path):
    paths = [tmp_path / str(number) for number in (1, 2, 3)]
    for number, path in enumerate(paths, start=1):
        nlp = make_pipeline("own")
        for node, name, value in weights(nlp):
            node.set_param(name, number * value)
        nlp.meta["performance"] = {"ents_f": 0.5}
        nlp.to_disk(path)
    averaged = average_of(paths, "ner")
    pairs = list(zip(weights(averaged), weights(spacy.load(paths[0])), strict=True))
    assert len(pairs) > 10
    for (*_, of_all), (*_, first) in pairs:
        assert of_all == pytest.approx(2 * first)
    assert averaged.meta["performance"] == {}


def names_of(changes, new_labels, keep="one", n_runs=2):
    settings = Config().from_disk(SETTINGS, interpolate=False)
    settings["corpora"]["train"].update(changes)
    return [run.name for run in plan(settings, new_labels, keep, n_runs, 5)]


@pytest.mark.parametrize(
    ("changes", "new_labels", "keep", "arm"),
    [
        ({}, ["DISEASE"], "exact", "exact"),
        ({}, ["DISEASE"], "one", "specialist"),
        ({"specialist": False}, ["DISEASE"], "one", "rehearsed"),
        ({}, [], "one", "rehearsed"),
    ],
)
def test_runs_are_updates_as_the_settings_say_with_other_seeds(
    changes, new_labels, keep, arm
):
    names = [f"{arm}_as-set_all_5", f"{arm}_as-set_all_6"]
    assert names_of(changes, new_labels, keep) == names


def test_average_of_one_run_is_refused():
    with pytest.raises(ValueError, match="use --runs 3"):
        names_of({}, [], n_runs=1)


def average(project, keep="one", **options):
    main(
        project / "base",
        project / "corpus",
        str(project / "corpus" / "rehearsal"),
        project / "update.cfg",
        project / "runs",
        project / "model-best",
        config=project / "written.cfg",
        log=project / "written.jsonl",
        keep=keep,
        runs=2,
        n_process=2,
        **options,
    )
    (place,) = (project / "runs").iterdir()
    arm = "exact" if keep == "exact" else "specialist"
    return [place / f"{arm}_as-set_all_{number}" for number in (0, 1)]


@pytest.mark.parametrize("keep, pipe", [("one", "ner"), ("exact", "ner_new")])
def test_update_is_the_average_of_its_runs_with_the_log_of_the_first(
    project, monkeypatch, keep, pipe
):
    monkeypatch.chdir(project)
    (project / "model-last").mkdir()
    runs = average(project, keep)
    # The last step of an earlier update is no part of this one.
    assert not (project / "model-last").exists()
    expected = average_of([path / "model-best" for path in runs], pipe)
    updated = spacy.load(project / "model-best")
    pairs = zip(weights(updated, pipe), weights(expected, pipe), strict=True)
    for (*_, found), (*_, mean) in pairs:
        assert (found == mean).all()
    assert "DISEASE" in updated.get_pipe(pipe).labels
    base = spacy.load(project / "base")
    assert updated.pipe_names == expected.pipe_names
    own = [nlp.get_pipe("ner").to_bytes(exclude=["vocab"]) for nlp in (base, updated)]
    assert (own[0] == own[1]) is (keep == "exact")
    # Each run has its own specialist.
    assert {path.name for path in runs[0].parent.glob("completed*")} == {
        "completed_0_all_0",
        "completed_0_all_1",
    }
    config = (project / "written.cfg").read_text()
    assert "seeds 0, 1" in config.splitlines()[0]
    assert "seeds 0, 1" in updated.meta["notes"]
    settings = dict(made_of(project / "written.cfg", [])[1][1])
    assert settings["system.seed"] == "0"
    assert settings["system.average_of_seeds"] == "[0, 1]"
    # The package does not name a folder of this machine.
    for text in (config, (project / "model-best" / "config.cfg").read_text()):
        assert str(project) not in text
    # As many evaluations as in an update, for the curves in the report.
    assert len(list(srsly.read_jsonl(project / "written.jsonl"))) > 5


def test_runs_that_are_done_are_not_made_again_until_a_setting_changes(project):
    kept, lost = average(project)
    log = (kept / "ner.jsonl").stat()
    remove(lost)
    assert average(project) == [kept, lost]
    assert (kept / "ner.jsonl").stat() == log
    assert (lost / "ner.jsonl").exists()
    settings = (project / "update.cfg").read_text("utf-8")
    changed = settings.replace("ratio = 3.0", "ratio = 0.5")
    (project / "update.cfg").write_text(changed, "utf-8")
    assert kept not in average(project)
    assert not kept.exists()


def test_one_gpu_is_not_shared_by_the_runs_of_a_cluster(project):
    with pytest.raises(ValueError, match=r"set vars\.gpu_id to -1"):
        average(project, gpu_id=0, engine="ray")
    assert not (project / "runs").exists()
