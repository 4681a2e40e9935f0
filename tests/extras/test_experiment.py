import math
import shutil
from dataclasses import replace

import pytest
import spacy
import srsly
from conftest import SETTINGS, TEXTS, rehearse
from spacy.util import dot_to_object
from thinc.api import Config
from thinc.compat import has_cupy_gpu
from weasel.util.hashing import get_checksum

from scripts.components.kind import NewLabels
from scripts.docs import write_docs
from scripts.extras.experiment import main, plan, write_settings
from scripts.extras.results import best_of, front_of, over_seeds
from scripts.extras.runs import Inputs, Run, make_run


def test_arms_that_do_not_rehearse_run_once_whatever_the_ratios():
    runs = plan(["rehearsed"], [1.0, 2.0], [0], [5])
    assert runs == [
        Run("completed", 0.0, 0, 5),
        Run("rehearsed", 1.0, 0, 5),
        Run("rehearsed", 2.0, 0, 5),
    ]


@pytest.mark.parametrize(
    "ratios, sizes", [([-1], [0]), ([1, math.nan], [0]), ([1], [-5, 0])]
)
def test_negative_or_missing_number_is_an_error(ratios, sizes):
    with pytest.raises(ValueError, match="write numbers of 0 or more"):
        plan(["rehearsed"], ratios, sizes, [0])


def test_unknown_arm_is_an_error_that_names_the_known():
    with pytest.raises(ValueError, match="No arm magic: choose from alone, "):
        plan(["magic"], [1.0], [0], [0])


def test_sizes_without_all_are_an_error_before_any_run():
    with pytest.raises(ValueError, match="--sizes lacks 'all'"):
        plan(["rehearsed"], [1.0], [50], [0])


def means_of(folder, *lines):
    """Average results over seeds: arm, new F and old F of each run, and more of it."""
    paths = {}
    for arm, new_f, old_f, *more in lines:
        size, seed = more or (0, 0)
        run = Run(arm, 1.0, size, seed)
        paths[run] = folder / f"{run.name}.json"
        scores = {"new_f": new_f, "old_f": old_f, "seconds": 1.0}
        srsly.write_json(paths[run], scores)
    return over_seeds(paths)


def test_best_is_that_of_the_seeds_together_and_one_that_update_can_do(tmp_path):
    means = means_of(
        tmp_path,
        ("alone", 1.0, 0.9),
        # The specialist of the others.
        ("completed", 0.9, 0.9),
        ("rehearsed", 0.9, 0.9, 0, 0),
        ("rehearsed", 0.1, 0.9, 0, 1),
        ("specialist", 0.7, 0.8),
        ("specialist", 0.99, 0.99, 50, 0),
    )
    best = best_of(means, 0.5)
    assert (best["arm"], best["size"]) == ("specialist", 0)
    # An arm that forgets more is never the best.
    assert best_of(means, 0.97)["arm"] == "rehearsed"


def test_front_has_no_arm_that_another_beats_in_both_scores(tmp_path):
    lines = ("alone", 0.9, 0.1), ("completed", 0.5, 0.5), ("static", 0.4, 0.4)
    front = front_of(means_of(tmp_path, *lines))
    assert [m["arm"] for m in front] == ["alone", "completed"]


def test_settings_are_written_in_place_and_the_rest_is_left_as_it_was(tmp_path):
    path = shutil.copy(SETTINGS, tmp_path / "update.cfg")
    changes = {"corpora.train.ratio": 2.5, "corpora.train.specialist": False}
    write_settings(path, changes)
    before, after = (p.read_text("utf-8").splitlines() for p in (SETTINGS, path))
    changed = [new for old, new in zip(before, after, strict=True) if old != new]
    assert changed == ["ratio = 2.5", "specialist = false"]


def test_setting_that_the_config_lacks_is_an_error(tmp_path):
    path = shutil.copy(SETTINGS, tmp_path / "update.cfg")
    with pytest.raises(ValueError, match=r"has no corpora.train.nope: add it"):
        write_settings(path, {"corpora.train.nope": 1})


def experiment(project, **options):
    """Run an experiment, and return the result of each run that exists by its name."""
    main(
        project / "base",
        project / "corpus",
        str(project / "corpus" / "rehearsal"),
        project / "update.cfg",
        project / "experiment",
        n_process=2,
        **{"ratios": "1", "sizes": "all", **options},
    )
    results = (project / "experiment").rglob("result.json")
    return {path.parent.name: srsly.read_json(path) for path in results}


def test_experiment_tries_each_arm_and_names_the_best(project, capsys):
    before = (project / "update.cfg").read_text("utf-8")
    results = experiment(project, ratios="0.5", sizes="1, all")
    tried = {tuple(name.split("_")[::2]) for name in results}
    assert len(results) == len(tried) == 12
    table = (project / "experiment.md").read_text("utf-8")
    for arm in ("specialist", "exact"):
        assert f"| {arm} | 0.5 | all | 1 |" in table
    assert "<svg" in (project / "experiment.svg").read_text("utf-8")
    # The settings are tracked by git: they change only if that is asked for.
    assert (project / "update.cfg").read_text("utf-8") == before
    out = " ".join(capsys.readouterr().out.split())
    assert "Best on dev: " in out and "Set it in" in out and "specialist = " in out
    assert "--vars.keep " in out


SECTIONS = ("", "corrections.", "new_types.", "second.")


def ratios_in(path):
    """The ratio of each section of the settings."""
    settings = Config().from_disk(path, interpolate=False)
    names = [f"{section}corpora.train" for section in SECTIONS]
    return {name: dot_to_object(settings, name)["ratio"] for name in names}


@pytest.mark.parametrize("arm", ["alone", "completed", "static"])
def test_one_arm_of_which_none_can_be_set_still_has_its_table(project, capsys, arm):
    before = (project / "update.cfg").read_text("utf-8")
    experiment(project, arms=arm, write=True)
    assert f"| {arm} |" in (project / "experiment.md").read_text("utf-8")
    assert "nothing is to be set" in " ".join(capsys.readouterr().out.split())
    assert (project / "update.cfg").read_text("utf-8") == before


def test_experiment_sets_the_best_if_asked(project):
    experiment(project, ratios="0.5", sizes="1, all", write=True)
    # The ratio of the section that applies to the best is set, and no other.
    before, after = ratios_in(SETTINGS), ratios_in(project / "update.cfg")
    (changed,) = [name for name in before if after[name] != before[name]]
    assert changed != "corrections.corpora.train"


def test_runs_on_other_data_leave_those_of_the_same_names_as_they_are(project):
    experiment(project, arms="rehearsed")
    (runs,) = (project / "experiment").iterdir()
    before = get_checksum(runs)
    rehearse(project, ["Anna Berg left Oslo.", *(text for text, _ in TEXTS)])
    experiment(project, arms="rehearsed")
    assert get_checksum(runs) == before
    assert len(list((project / "experiment").iterdir())) == 2


def made_at(project):
    """When each run was made."""
    made = (project / "experiment").rglob("result.json")
    return {path: path.stat().st_mtime_ns for path in made}


def test_run_that_was_removed_is_made_again_and_no_other(project):
    first = experiment(project, arms="rehearsed")
    before = made_at(project)
    (lost, *_), (kept, *_) = ([p for p in before if n in str(p)] for n in first)
    shutil.rmtree(lost.parent)
    assert experiment(project, arms="rehearsed").keys() == first.keys()
    after = made_at(project)
    assert after.keys() == before.keys()
    assert after[kept] == before[kept] and after[lost] != before[lost]


def test_experiment_on_corrections_sets_a_ratio_of_their_own(project, base):
    docs = [base(text) for text, _ in TEXTS]
    for name in ("update/train", "update/dev", "annotations/train"):
        write_docs(docs, project / "corpus" / name / "00000.spacy")
    account = {"labels": ["GPE"], "new_labels": [], "corrections": True}
    srsly.write_json(project / "corpus" / "preprocess.json", account)
    before = (project / "update.cfg").read_text("utf-8")
    experiment(project, arms="rehearsed", ratios="0.5", write=True)
    after = (project / "update.cfg").read_text("utf-8")
    # Those of corrections come first in the file.
    assert after == before.replace("ratio = 1.0", "ratio = 0.5", 1)
    # Without a new label there is no specialist, and no second component; and no more
    # docs than all.
    more = experiment(project, arms="specialist, exact", ratios="0.5", sizes="99, all")
    assert {name.split("_")[0] for name in more} == {"completed", "rehearsed"}


@pytest.mark.parametrize(
    "arm, section", [("specialist", "new_types"), ("exact", "second")]
)
def test_experiment_on_a_new_type_sets_a_ratio_for_those(project, arm, section):
    experiment(project, arms=arm, ratios="0.5", write=True)
    expected = {**ratios_in(SETTINGS), f"{section}.corpora.train": 0.5}
    assert ratios_in(project / "update.cfg") == expected
    # Setting them does not make the runs again.
    made = made_at(project)
    experiment(project, arms=arm, ratios="0.5")
    assert made_at(project) == made and len(made) == 2


@pytest.mark.parametrize("arm", ["specialist", "exact"])
def test_experiment_sets_the_ratio_of_all_where_new_types_have_none(project, arm):
    path = project / "update.cfg"
    settings = path.read_text("utf-8").replace("ratio = 3.0\n", "")
    path.write_text(settings, "utf-8")
    experiment(project, arms=arm, ratios="0.5", write=True)
    # That of all comes last in the file.
    expected = "ratio = 0.5".join(settings.rsplit("ratio = 1.0", 1))
    assert path.read_text("utf-8") == expected


def test_run_of_exact_leaves_the_component_of_the_base_as_it_is(project):
    experiment(project, arms="exact")
    (path,) = (project / "experiment").rglob("exact*/model-best")
    base, updated = spacy.load(project / "base"), spacy.load(path)
    names = base.component_names
    at = names.index("ner")
    assert updated.component_names == [*names[:at], "ner_new", *names[at:]]
    one, other = (
        nlp.get_pipe("ner").to_bytes(exclude=["vocab"]) for nlp in (base, updated)
    )
    assert one == other
    assert updated.get_pipe("ner_new").labels == ("DISEASE",)


def test_runs_that_exist_are_not_made_again_until_the_data_changes(project):
    experiment(project, arms="rehearsed")
    first = made_at(project)
    experiment(project, arms="rehearsed")
    assert made_at(project) == first
    experiment(project, arms="rehearsed", seeds="0, 1")
    assert len(made_at(project)) == len(first) + 2
    rehearse(project, ["Anna Berg left Oslo.", *(text for text, _ in TEXTS)])
    experiment(project, arms="rehearsed")
    assert len(made_at(project)) == 2 * len(first) + 2


@pytest.mark.skipif(has_cupy_gpu, reason="There is a GPU.")
def test_missing_gpu_is_an_error_before_any_run(project):
    # A process that was forked cannot use a GPU: runs on one are made in this process.
    with pytest.raises(ValueError, match="GPU"):
        experiment(project, arms="alone", gpu_id=0)
    assert not (project / "experiment").exists()


@pytest.mark.skipif(has_cupy_gpu, reason="There is a GPU.")
def test_run_that_stops_half_way_leaves_no_folder_to_be_taken_for_done(project):
    corpus, run = project / "corpus", Run("alone", 0.0, 0, 0)
    inputs = Inputs(
        base_dir=project / "base",
        corpus_dir=corpus,
        shards=[corpus / "rehearsal" / "00000.spacy"],
        settings_path=project / "update.cfg",
        output_dir=project / "runs",
        component="ner",
        account=srsly.read_json(corpus / "preprocess.json"),
        new=NewLabels([], {}, {}),
        gpu_id=0,
    )
    with pytest.raises(ValueError, match="GPU"):
        make_run(run, inputs)
    assert not (project / "runs" / run.name).exists()
    # The configs of a run that ends do not name the folder that it was made in.
    make_run(run, replace(inputs, gpu_id=-1))
    made = project / "runs" / run.name
    for path in (made / "ner.cfg", made / "ner" / "model-best" / "config.cfg"):
        assert str(made / "train.spacy") in path.read_text("utf-8")
    for path in made.rglob("*.cfg"):
        assert ".part" not in path.read_text("utf-8")


@pytest.mark.ray
def test_runs_on_ray_give_the_scores_of_those_here(project):
    pytest.importorskip("ray", reason="requirements-ray.txt")

    def scores(results):
        return {name: (r["new_f"], r["old_f"]) for name, r in results.items()}

    here = experiment(project, arms="rehearsed")
    shutil.rmtree(project / "experiment")
    assert scores(experiment(project, arms="rehearsed", engine="ray")) == scores(here)
