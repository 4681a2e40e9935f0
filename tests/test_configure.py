import subprocess
import sys
from pathlib import Path

import pytest
import spacy
import srsly
from conftest import SETTINGS, TEXTS, make_pipeline
from spacy.cli.train import train
from spacy.language import Language
from thinc.api import Config

from scripts import functions  # noqa: F401  registers the reader and the callback
from scripts.components import listened_to
from scripts.configure import main as configure
from scripts.configure import make_config, read_settings, set_budget
from scripts.docs import write_docs
from scripts.extras.experiment import shared_settings
from scripts.put_back import check_unchanged, put_back
from scripts.report.origin import made_of


def update(
    base: Language, folder: Path, max_steps: int = 12, specialist: str = ""
) -> Language:
    """Update a base with a new type in a few steps, as the project does."""
    folder.mkdir(exist_ok=True)
    base.to_disk(folder / "base")
    new = base.make_doc("Flu is back in Oslo.")
    new.ents = [new.char_span(0, 3, "DISEASE"), new.char_span(15, 19, "GPE")]
    write_docs([new], folder / "new.spacy")
    with base.select_pipes(enable=[*listened_to(base, "ner"), "ner"]):
        write_docs([base(text) for text, _ in TEXTS], folder / "old.spacy")
    paths = {"train": "new", "dev": "new", "rehearsal": "old"}
    overrides = {f"paths.{k}": str(folder / f"{v}.spacy") for k, v in paths.items()}
    overrides |= {"paths.log": str(folder / "log.jsonl")}
    overrides |= {"update.min_steps": max_steps}
    labels, n_words = ["DISEASE"], len(new)
    settings = read_settings(SETTINGS, labels, n_words, overrides)
    base_dir = str(folder / "base")
    config = make_config(base, base_dir, "ner", settings, labels, n_words, specialist)
    config.to_disk(folder / "update.cfg")
    train(folder / "update.cfg", folder / "update")
    trained = spacy.load(folder / "update" / "model-last")
    updated = put_back(spacy.load(base_dir), trained, "ner")
    check_unchanged(base, updated, "ner")
    return updated


def others(nlp: Language, text: str) -> list:
    """Give all that a pipeline says of a text but what its NER finds."""
    doc = nlp(text)
    ruled = [(e.text, e.label_) for e in doc.ents if e.label_ == "DAY"]
    return [ruled, [(t.tag_, t.pos_, t.lemma_) for t in doc]]


def test_update_changes_the_ner_and_nothing_else(any_base, tmp_path):
    text = "Anna Berg left Lima on Monday."
    updated = update(any_base, tmp_path)
    assert "DISEASE" in updated.get_pipe("ner").labels
    assert others(updated, text) == others(any_base, text)
    before, after = (nlp.get_pipe("ner").to_bytes() for nlp in (any_base, updated))
    assert before != after
    kept = [name for name in any_base.pipe_names if name in updated.pipe_names]
    assert updated.pipe_names == kept
    assert updated.disabled == any_base.disabled


def test_update_learns_the_new_type_and_keeps_the_old(any_base, tmp_path):
    updated = update(any_base, tmp_path, max_steps=250)
    ents = [(e.text, e.label_) for e in updated("Flu is back in Oslo.").ents]
    assert ents == [("Flu", "DISEASE"), ("Oslo", "GPE")]
    for text, _ in TEXTS:
        ents = [(e.text, e.label_) for e in updated(text).ents]
        assert ents == [(e.text, e.label_) for e in any_base(text).ents]


def test_update_begins_as_the_specialist(any_base, tmp_path):
    update(any_base, tmp_path / "first", max_steps=250)
    specialist = str(tmp_path / "first" / "update" / "model-last")
    updated = update(any_base, tmp_path / "second", 1, specialist)
    text = "Flu is back in Oslo."
    ents = [(e.text, e.label_) for e in updated(text).ents]
    assert ents == [("Flu", "DISEASE"), ("Oslo", "GPE")]
    assert others(updated, text) == others(any_base, text)


@pytest.mark.parametrize(
    "new_labels, specialist, source",
    [
        (["DISEASE"], True, "specialist"),
        # Corrections have none.
        ([], True, "base"),
        (["DISEASE"], False, "base"),
    ],
)
def test_update_begins_as_the_specialist_only_for_a_new_type_and_if_it_is_set(
    base, tmp_path, new_labels, specialist, source
):
    settings = SETTINGS.read_text("utf-8")
    settings = settings.replace("specialist = true", f"specialist = {specialist}")
    (tmp_path / "settings.cfg").write_text(settings.replace("False", "false"), "utf-8")
    base.to_disk(tmp_path / "base")
    write_docs([base.make_doc("Flu is back.")], tmp_path / "new.spacy")
    account = {"labels": ["DISEASE"], "new_labels": new_labels}
    srsly.write_json(tmp_path / "preprocess.json", account)
    configure(
        tmp_path / "base",
        tmp_path / "settings.cfg",
        tmp_path / "preprocess.json",
        tmp_path / "update.cfg",
        train=tmp_path / "new.spacy",
        dev="dev",
        rehearsal="old",
        log="log",
        specialist=str(tmp_path / "specialist"),
    )
    config = Config().from_disk(tmp_path / "update.cfg")
    assert config["components"]["ner"]["source"] == str(tmp_path / source)


def test_last_step_is_evaluated_and_kept_whatever_dev_says(base, tmp_path):
    update(base, tmp_path, max_steps=23)
    steps = [line["step"] for line in srsly.read_jsonl(tmp_path / "log.jsonl")]
    assert steps == list(range(0, 23, 2))
    best, last = (tmp_path / f"update/model-{n}/ner" for n in ("best", "last"))
    assert (best / "model").read_bytes() == (last / "model").read_bytes()


@pytest.mark.parametrize("rate", ["0.0005", '{"@schedules":"constant.v1","rate":0.1}'])
def test_rate_may_be_constant_or_another_schedule(base, tmp_path, rate):
    settings = SETTINGS.read_text("utf-8").replace(
        """[training.optimizer.learn_rate]
@schedules = "warmup_linear.v1"
warmup_steps = 50
initial_rate = 0.001
""",
        "",
    )
    settings = settings.replace("use_averages", f"learn_rate = {rate}\nuse_averages")
    (tmp_path / "settings.cfg").write_text(settings, "utf-8")
    settings = read_settings(tmp_path / "settings.cfg", ["DISEASE"], 6)
    config = make_config(base, "base", "ner", settings, ["DISEASE"], 6)
    found = config["training"]["optimizer"]["learn_rate"]
    assert found == srsly.json_loads(rate)
    config.to_disk(tmp_path / "update.cfg")
    names = [name for name, _ in dict(made_of(tmp_path / "update.cfg", []))["Settings"]]
    assert "training.dropout" in names


def test_tok2vec_that_feeds_the_ner_alone_is_dropped_and_another_stays(tmp_path):
    names = {
        layout: update(make_pipeline(layout), tmp_path / layout, 1).pipe_names
        for layout in ("only listener", "shared")
    }
    assert names == {"only listener": ["ner"], "shared": ["tok2vec", "tagger", "ner"]}


def test_updated_pipeline_loads_without_the_project(base, tmp_path):
    update(base, tmp_path, max_steps=1)
    code = "import spacy; spacy.load('update/model-best')('Oslo')"
    subprocess.run([sys.executable, "-I", "-c", code], cwd=tmp_path, check=True)


def test_same_seed_gives_the_same_weights(base, tmp_path):
    once, again = (update(base, tmp_path / name) for name in "ab")
    assert once.get_pipe("ner").to_bytes() == again.get_pipe("ner").to_bytes()


@pytest.mark.parametrize("label", ["PERSON", "GPE"])
def test_label_that_the_base_knows_is_not_added_twice(base, tmp_path, label):
    updated = update(base, tmp_path, max_steps=1)
    assert updated.get_pipe("ner").labels.count(label) == 1


def budget(settings: Config, update: dict, n_words: int) -> dict:
    """Set the budget in a copy of the settings, and return its `[training]`."""
    training = {"batcher": {}, "optimizer": {"learn_rate": 0.001}}
    config = Config({**settings, "training": training, "update": update})
    set_budget(config, n_words)
    return config["training"]


@pytest.mark.parametrize(
    "n_words, steps, batch_words",
    [
        (100, 1200, 100),
        (30_000, 1200, 500),
        (60_000, 1200, 1000),
        (600_000, 12_000, 1000),
    ],
)
def test_few_annotations_take_small_batches_and_many_take_more_steps(
    n_words, steps, batch_words
):
    update = {"passes": 10, "min_steps": 1200}
    update |= {"min_batch_words": 100, "max_batch_words": 1000, "n_evaluations": 10}
    training = budget(Config({"corpora": {"train": {"ratio": 1.0}}}), update, n_words)
    assert training["max_steps"] == steps
    assert training["eval_frequency"] == steps // 10
    assert training["batcher"]["size"] == batch_words


@pytest.mark.parametrize(
    "new_labels, n_words, overrides, passes, ratio, steps",
    [
        ([], 400, {}, 30, 4.0, 300),
        # A given setting wins.
        ([], 400, {"corpora.train.ratio": 0.0}, 30, 0.0, 300),
        # Many annotations are no corrections.
        ([], 40_000, {}, 10, 1.0, 1200),
        # The whole of a new type is to be learned, however few its annotations are.
        (["DISEASE"], 400, {}, 5, 3.0, 1200),
        (["DISEASE"], 40_000, {}, 5, 3.0, 1200),
        # Begun as the base.
        (["DISEASE"], 40_000, {"corpora.train.specialist": False}, 10, 1.0, 1200),
        # There is no specialist for known types.
        ([], 40_000, {"corpora.train.specialist": True}, 10, 1.0, 1200),
    ],
)
def test_corrections_and_new_types_have_settings_of_their_own(
    new_labels, n_words, overrides, passes, ratio, steps
):
    settings = read_settings(SETTINGS, new_labels, n_words, overrides)
    assert settings["update"]["passes"] == passes
    assert settings["corpora"]["train"]["ratio"] == ratio
    assert budget(settings, settings["update"], n_words)["max_steps"] == steps


def test_label_with_a_dollar_stays_as_it_is():
    settings = read_settings(SETTINGS, ["A$B"], 400)
    settings = Config().from_str(settings.to_str())
    assert settings["corpora"]["train"]["new_labels"] == ["A$B"]


def test_new_labels_that_are_given_win():
    name = "corpora.train.new_labels"
    settings = read_settings(SETTINGS, ["DISEASE"], 400, {name: []})
    assert settings["corpora"]["train"]["new_labels"] == []


@pytest.mark.parametrize("new_labels", [[], ["DISEASE"]])
def test_settings_of_their_own_can_be_removed(tmp_path, new_labels):
    settings = Config().from_disk(SETTINGS, interpolate=False)
    del settings["corrections"], settings["new_types"]
    path = tmp_path / "update.cfg"
    settings.to_disk(path)
    assert read_settings(path, new_labels, 400)["update"] == settings["update"]
    both = (Config().from_disk(p, interpolate=False) for p in (path, SETTINGS))
    one, other = map(shared_settings, both)
    assert one != other
