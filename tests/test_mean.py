import pytest
import spacy
import srsly
from conftest import make_pipeline

from scripts.mean import main


def weights(nlp):
    for node in nlp.get_pipe("ner").model.walk():
        for name in node.param_names:
            if node.has_param(name):
                yield node, name, node.get_param(name)


def mean_of_trials(folder, n_trials):
    """Take the mean of trials whose weights are one, two and more times the first's."""
    for number in range(1, n_trials + 1):
        nlp = make_pipeline("own")
        for node, name, value in weights(nlp):
            node.set_param(name, number * value)
        nlp.meta["performance"] = {"ents_f": 0.5}
        trial = folder / "experiment" / str(number)
        trial.mkdir(parents=True)
        for name in ("update.cfg", "log.jsonl"):
            (trial / name).write_text(f"{name} of {number}")
        nlp.to_disk(trial / "model-best")
    trials = [str(folder / "experiment" / str(n)) for n in range(1, n_trials + 1)]
    srsly.write_json(folder / "experiment.json", {"best": trials})
    written = {name: folder / f"written.{name}" for name in ("config", "log")}
    main(folder / "experiment.json", folder / "model-best", **written)
    return spacy.load(folder / "model-best")


def test_mean_is_that_of_all_weights(tmp_path):
    nlp = mean_of_trials(tmp_path, 3)
    first = spacy.load(tmp_path / "experiment" / "1" / "model-best")
    pairs = list(zip(weights(nlp), weights(first), strict=True))
    assert len(pairs) > 10
    for (*_, mean), (*_, value) in pairs:
        assert mean == pytest.approx(2 * value)


def test_mean_has_no_score_of_a_trial(tmp_path):
    assert mean_of_trials(tmp_path, 2).meta["performance"] == {}


def test_config_and_log_are_those_of_the_first_trial(tmp_path):
    mean_of_trials(tmp_path, 2)
    assert (tmp_path / "written.config").read_text() == "update.cfg of 1"
    assert (tmp_path / "written.log").read_text() == "log.jsonl of 1"


def test_mean_of_one_trial_is_refused(tmp_path):
    with pytest.raises(ValueError, match=r'vars\.seeds "0, 1, 2"'):
        mean_of_trials(tmp_path, 1)
