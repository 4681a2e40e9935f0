import math
import shutil

import pytest
import srsly
from conftest import SETTINGS, TEXTS, rehearse
from thinc.compat import has_cupy_gpu
from weasel.util.hashing import get_checksum

from scripts.docs import write_docs
from scripts.extras.experiment import main
from scripts.extras.trials.plan import plan
from scripts.extras.trials.results import best_of, front_of, over_seeds
from scripts.extras.trials.settings import write_settings
from scripts.extras.trials.trial import Trial, update


def test_arms_that_do_not_rehearse_are_tried_once_whatever_the_ratios():
    trials = plan(["rehearsed"], [1.0, 2.0], [0], [5])
    assert trials == [
        Trial("naive", 0.0, 0, 5),
        Trial("rehearsed", 1.0, 0, 5),
        Trial("rehearsed", 2.0, 0, 5),
    ]


@pytest.mark.parametrize(
    "ratios, sizes", [([-1], [0]), ([1, math.nan], [0]), ([1], [-5, 0])]
)
def test_number_that_none_can_count_with_is_an_error(ratios, sizes):
    with pytest.raises(ValueError, match="write numbers from 0 on"):
        plan(["rehearsed"], ratios, sizes, [0])


def test_unknown_arm_is_an_error_that_names_the_known():
    with pytest.raises(ValueError, match="No arm magic: choose of naive, "):
        plan(["magic"], [1.0], [0], [0])


def test_sizes_without_all_are_an_error_before_any_trial():
    with pytest.raises(ValueError, match=r"vars\.sizes lacks 'all'"):
        plan(["rehearsed"], [1.0], [50], [0])


def line(arm, new_f, old_f, size=0, seed=0, ratio=1.0):
    scores = {"new_f": new_f, "old_f": old_f, "seconds": 1.0}
    return {"arm": arm, "ratio": ratio, "size": size, "seed": seed, **scores}


def test_best_is_that_of_the_seeds_together_and_one_that_update_can_do():
    means = over_seeds(
        [
            line("naive", 1.0, 0.9),
            line("rehearsed", 0.9, 0.9, seed=0),
            line("rehearsed", 0.1, 0.9, seed=1),
            line("two teachers", 0.7, 0.8),
            line("two teachers", 0.99, 0.99, size=50),
        ]
    )
    best = best_of(means, 0.5)
    assert (best["arm"], best["size"]) == ("two teachers", 0)
    # What forgets more is never the best.
    assert best_of(means, 0.97)["arm"] == "rehearsed"


def test_front_has_none_that_another_beats_in_both():
    means = [line("a", 0.9, 0.1), line("b", 0.5, 0.5), line("c", 0.4, 0.4)]
    assert [m["arm"] for m in front_of(means)] == ["a", "b"]


def test_settings_are_written_in_place_and_the_rest_is_left_as_it_was(tmp_path):
    path = shutil.copy(SETTINGS, tmp_path / "update.cfg")
    changes = {"corpora.train.ratio": 2.5, "corpora.train.two_teachers": False}
    write_settings(path, changes)
    before, after = (p.read_text("utf-8").splitlines() for p in (SETTINGS, path))
    changed = [new for old, new in zip(before, after, strict=True) if old != new]
    assert changed == ["ratio = 2.5", "two_teachers = false"]


def test_setting_that_the_config_lacks_is_an_error(tmp_path):
    path = shutil.copy(SETTINGS, tmp_path / "update.cfg")
    with pytest.raises(ValueError, match=r"has no corpora.train.nope: add it"):
        write_settings(path, {"corpora.train.nope": 1})


def try_ways(project, **options):
    main(
        project / "base",
        project / "corpus",
        str(project / "corpus" / "rehearsal"),
        project / "update.cfg",
        project / "experiment",
        n_process=2,
        **options,
    )


def experiment(project, **options):
    try_ways(project, **options)
    return list(srsly.read_jsonl(project / "experiment.jsonl"))


def test_experiment_tries_each_arm_and_sets_the_best(project):
    lines = experiment(project, ratios="0.5", sizes="1, all")
    tried = {(r["arm"], r["size"]) for r in lines}
    assert len(lines) == len(tried) == 10
    # The ratio of new types is set, or the other.
    settings = (project / "update.cfg").read_text("utf-8")
    assert ("ratio = 3.0" in settings) is not ("ratio = 1.0" in settings)
    table = (project / "experiment.md").read_text("utf-8")
    assert "| two teachers | 0.5 | all | 1 |" in table
    assert "<svg" in (project / "experiment.svg").read_text("utf-8")


def test_trials_on_other_data_leave_those_of_the_same_names_as_they_are(project):
    experiment(project, arms="rehearsed")
    (trials,) = (project / "experiment").iterdir()
    before = get_checksum(trials)
    rehearse(project, ["Anna Berg left Oslo.", *(text for text, _ in TEXTS)])
    experiment(project, arms="rehearsed")
    assert get_checksum(trials) == before
    assert len(list((project / "experiment").iterdir())) == 2


def test_trial_that_is_gone_is_made_again(project):
    first = experiment(project, arms="rehearsed")
    shutil.rmtree(project / "experiment")
    assert len(experiment(project, arms="rehearsed")) == 2 * len(first)


def test_trial_whose_line_a_full_disk_broke_is_made_again(project):
    first = experiment(project, arms="rehearsed")
    path = project / "experiment.jsonl"
    path.write_text(path.read_text("utf-8")[:-9], "utf-8")
    # What is added to the broken line breaks with it.
    try_ways(project, arms="rehearsed")
    try_ways(project, arms="rehearsed")
    again = srsly.read_jsonl(path, skip=True)
    assert [line["arm"] for line in again] == [line["arm"] for line in first]


def test_experiment_on_corrections_sets_a_ratio_of_their_own(project, base):
    docs = [base(text) for text, _ in TEXTS]
    for name in ("update/train", "update/dev", "annotations/train"):
        write_docs(docs, project / "corpus" / name / "00000.spacy")
    account = {"labels": ["GPE"], "new_labels": []}
    srsly.write_json(project / "corpus" / "preprocess.json", account)
    before = (project / "update.cfg").read_text("utf-8")
    experiment(project, arms="rehearsed", ratios="0.5")
    after = (project / "update.cfg").read_text("utf-8")
    assert after == before.replace("ratio = 4.0", "ratio = 0.5")
    # Without a new type there is one teacher; and no more docs than all.
    more = experiment(project, arms="two teachers", ratios="0.5", sizes="99, all")
    assert [line["arm"] for line in more] == ["naive", "rehearsed"]


def test_experiment_on_a_new_type_sets_a_ratio_for_those(project):
    before = (project / "update.cfg").read_text("utf-8")
    experiment(project, arms="two teachers", ratios="0.5")
    after = (project / "update.cfg").read_text("utf-8")
    assert after == before.replace("ratio = 3.0", "ratio = 0.5")
    # Trials that are done are not made again for what they set.
    lines = experiment(project, arms="two teachers", ratios="0.5")
    assert len(lines) == 2


def test_experiment_sets_the_ratio_of_all_where_new_types_have_none(project):
    path = project / "update.cfg"
    settings = path.read_text("utf-8").replace("ratio = 3.0\n", "")
    path.write_text(settings, "utf-8")
    experiment(project, arms="two teachers", ratios="0.5")
    assert path.read_text("utf-8") == settings.replace("ratio = 1.0", "ratio = 0.5")


def test_trials_that_are_done_are_not_made_again_until_the_data_changes(project):
    first = experiment(project, arms="rehearsed")
    assert experiment(project, arms="rehearsed") == first
    assert len(experiment(project, arms="rehearsed", seeds="0, 1")) == len(first) + 2
    rehearse(project, ["Anna Berg left Oslo.", *(text for text, _ in TEXTS)])
    assert len(experiment(project, arms="rehearsed")) == 2 * len(first) + 2


@pytest.mark.skipif(has_cupy_gpu, reason="There is a GPU.")
def test_gpu_that_is_not_there_is_an_error_before_any_trial(project):
    # A process that was forked can't use a GPU: trials on one run in this process.
    with pytest.raises(ValueError, match="GPU"):
        experiment(project, arms="naive", gpu_id=0)
    assert not (project / "experiment").exists()


@pytest.mark.skipif(has_cupy_gpu, reason="There is a GPU.")
def test_trial_that_stops_half_way_leaves_no_folder_to_be_taken_for_done(project):
    corpus, trial = project / "corpus", Trial("naive", 0.0, 0, 0)
    shards = [corpus / "rehearsal" / "00000.spacy"]
    inputs = (project / "base", corpus, shards, project / "update.cfg")
    with pytest.raises(ValueError, match="GPU"):
        update(trial, *inputs, project / "trials", gpu_id=0)
    assert not (project / "trials" / trial.name).exists()
    # Nor do the configs of one that ends name the folder that it was made in.
    update(trial, *inputs, project / "trials")
    made = project / "trials" / trial.name
    for path in (made / "update.cfg", made / "model-best" / "config.cfg"):
        assert str(made / "train.spacy") in path.read_text("utf-8")
        assert ".part" not in path.read_text("utf-8")


@pytest.mark.ray
def test_trials_on_ray_give_the_scores_of_those_here(project):
    pytest.importorskip("ray", reason="requirements-ray.txt")

    def scores(lines):
        return sorted((line["arm"], line["new_f"], line["old_f"]) for line in lines)

    here = experiment(project, arms="rehearsed")
    (project / "experiment.jsonl").unlink()
    assert scores(experiment(project, arms="rehearsed", engine="ray")) == scores(here)
