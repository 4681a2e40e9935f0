import inspect
import subprocess
import sys
from pathlib import Path

import pytest
import spacy
import srsly
from conftest import SETTINGS, TEXTS, make_pipeline, write_settings
from spacy.language import Language
from spacy.util import registry, resolve_dot_names
from thinc.api import Config

from scripts import functions  # noqa: F401  registers the reader and the callback
from scripts.components import pipes_of
from scripts.components.kind import from_config
from scripts.configure import (
    check_gates,
    find_rare,
    labels_in,
    make_config,
    read_settings,
    set_budget,
)
from scripts.configure import main as configure
from scripts.docs import write_docs
from scripts.extras.experiment import shared_settings
from scripts.report.origin import made_of
from scripts.scale.pipelines import load_component
from scripts.train import main as train

NEW = {"labels": ["DISEASE"], "new_labels": ["DISEASE"], "corrections": False}
CORRECTIONS = {"labels": ["GPE"], "new_labels": [], "corrections": True}
KNOWN = {**CORRECTIONS, "corrections": False}
FLU, OSLO = (0, 3, "DISEASE"), (15, 19, "GPE")


def update(
    base: Language,
    folder: Path,
    max_steps: int = 12,
    keep: str = "one",
    account: dict = NEW,
    text: str = "Flu is back in Oslo.",
    spans: tuple = (FLU, OSLO),
    specialist: str = "",
) -> Language:
    """Update a base in a few steps, as the project does."""
    folder.mkdir(exist_ok=True)
    base_dir = folder / "base"
    base.to_disk(base_dir)
    new = base.make_doc(text)
    new.ents = [new.char_span(*span) for span in spans]
    write_docs([new], folder / "new.spacy")
    rehearsed = load_component(base_dir, "ner")
    write_docs([rehearsed(text) for text, _ in TEXTS], folder / "old.spacy")
    srsly.write_json(folder / "preprocess.json", account)
    rehearsed = {"new_labels": account["new_labels"], "carved": {}}
    srsly.write_json(folder / "rehearse.json", rehearsed)
    source = str(bool(specialist)).lower()
    how = {"specialist": source, "n_words": 60}
    settings = write_settings(folder / "update.cfg", max_steps, **how)
    configure(
        base_dir,
        settings,
        folder / "preprocess.json",
        folder / "rehearse.json",
        folder / "configs",
        train=folder / "new.spacy",
        dev=str(folder / "new.spacy"),
        rehearsal=str(folder / "old.spacy"),
        specialist=specialist,
        logs=str(folder),
        keep=keep,
    )
    output = folder / "updated"
    how = (folder / "trained", output, folder / "rehearse.json")
    train(base_dir, folder / "configs", *how)
    return spacy.load(output)


def found(nlp: Language, text: str) -> list[tuple[str, str]]:
    """List the entities that a pipeline finds."""
    return [(ent.text, ent.label_) for ent in nlp(text).ents]


def weights(nlp: Language, component: str = "ner") -> bytes:
    """Serialize a component."""
    return nlp.get_pipe(component).to_bytes(exclude=["vocab"])


def others(nlp: Language, text: str) -> list:
    """List all that a pipeline finds in a text but what its NER finds."""
    doc = nlp(text)
    ruled = [(e.text, e.label_) for e in doc.ents if e.label_ == "DAY"]
    return [ruled, [(t.tag_, t.pos_, t.lemma_) for t in doc]]


def test_update_changes_the_ner_and_nothing_else(any_base, tmp_path):
    text = "Anna Berg left Lima on Monday."
    updated = update(any_base, tmp_path)
    assert "DISEASE" in updated.get_pipe("ner").labels
    assert others(updated, text) == others(any_base, text)
    assert weights(any_base) != weights(updated)
    kept = [name for name in any_base.pipe_names if name in updated.pipe_names]
    assert updated.pipe_names == kept
    assert updated.disabled == any_base.disabled


def test_exact_adds_a_component_and_leaves_all_others_byte_for_byte(any_base, tmp_path):
    before = {name: pipe for name, pipe in any_base.components if hasattr(pipe, "cfg")}
    before = {name: weights(any_base, name) for name in before}
    updated = update(any_base, tmp_path, keep="exact")
    names = any_base.component_names
    at = names.index("ner")
    assert updated.component_names == [*names[:at], "ner_new", *names[at:]]
    assert updated.get_pipe("ner_new").labels == ("DISEASE",)
    assert {"ner"} <= before.keys()
    assert {name: weights(updated, name) for name in before} == before
    text = "Anna Berg left Lima on Monday."
    assert others(updated, text) == others(any_base, text)
    assert updated.disabled == any_base.disabled


@pytest.mark.parametrize("keep", ["one", "exact"])
def test_update_learns_the_new_type_and_keeps_the_old(any_base, tmp_path, keep):
    updated = update(any_base, tmp_path, max_steps=250, keep=keep)
    ents = found(updated, "Flu is back in Oslo.")
    assert ents == [("Flu", "DISEASE"), ("Oslo", "GPE")]
    for text, _ in TEXTS:
        assert found(updated, text) == found(any_base, text)


def test_update_begins_as_the_specialist(any_base, tmp_path):
    update(any_base, tmp_path / "first", max_steps=250)
    specialist = str(tmp_path / "first" / "trained" / "update" / "model-last")
    updated = update(any_base, tmp_path / "second", 1, specialist=specialist)
    text = "Flu is back in Oslo."
    assert found(updated, text) == [("Flu", "DISEASE"), ("Oslo", "GPE")]
    assert others(updated, text) == others(any_base, text)


@pytest.mark.parametrize(
    "text, label", [("Flu is back.", "DISEASE"), ("Aspirin is back.", "DRUG")]
)
def test_later_round_trains_the_second_component_and_adds_no_third(
    base, tmp_path, text, label
):
    first = update(base, tmp_path / "first", keep="exact", max_steps=100)
    new_labels = [label] if label == "DRUG" else []
    account = {"labels": [label], "new_labels": new_labels, "corrections": False}
    end = text.index(" ")
    how = {"text": text, "spans": [(0, end, label)], "account": account}
    second = update(first, tmp_path / "second", keep="exact", max_steps=100, **how)
    assert second.component_names == first.component_names
    assert set(second.get_pipe("ner_new").labels) == {"DISEASE", label}
    assert weights(second, "ner_new") != weights(first, "ner_new")
    assert weights(second) == weights(base)
    assert (text[:end], label) in found(second, text)


def test_corrections_beside_new_labels_are_trained_where_each_label_is(base, tmp_path):
    account = {**NEW, "labels": ["DISEASE", "GPE"]}
    updated = update(base, tmp_path, keep="exact", account=account)
    configs = {path.stem: path for path in (tmp_path / "configs").glob("*.cfg")}
    assert configs.keys() == {"update", "corrections", "specialist"}
    parts = [("update", "ner_new", ["Flu"]), ("corrections", "ner", ["Oslo"])]
    for name, pipe, ents in parts:
        config = Config().from_disk(configs[name])
        assert config["nlp"]["pipeline"] == [pipe]
        (corpus,) = resolve_dot_names(config, ["corpora.train"])
        nlp = spacy.load(tmp_path / "trained" / name / "model-best")
        docs = [example.reference for example in corpus(nlp)]
        doc = next(doc for doc in docs if doc.text == "Flu is back in Oslo.")
        assert [ent.text for ent in doc.ents] == ents
        # What the second component finds before the base's own is nothing to unlearn.
        assert [token.ent_iob for token in doc].count(0) == (pipe == "ner")
        assert weights(nlp, pipe) == weights(updated, pipe)
    assert weights(updated) != weights(base)
    assert updated.get_pipe("ner_new").labels == ("DISEASE",)
    assert set(updated.get_pipe("ner").labels) == {"PERSON", "GPE"}


@pytest.mark.parametrize("keep", ["one", "exact"])
def test_corrections_alone_go_to_the_component_that_has_the_label(base, tmp_path, keep):
    updated = update(base, tmp_path, keep=keep, account=CORRECTIONS, spans=[OSLO])
    assert pipes_of(updated, "ner") == ["ner"]
    assert weights(updated) != weights(base)
    assert [p.name for p in (tmp_path / "configs").iterdir()] == ["update.cfg"]


def test_correction_is_learned_and_all_else_that_the_base_finds_stays(base, tmp_path):
    text, texts = "Juan met Lima Berg.", [text for text, _ in TEXTS]
    right = [("Lima Berg", "PERSON")]
    assert found(base, text) != right
    account = {**CORRECTIONS, "labels": ["PERSON"]}
    how = {"account": account, "text": text, "spans": [(9, 18, "PERSON")]}
    updated = update(base, tmp_path, max_steps=60, **how)
    assert found(updated, text) == right
    assert [found(updated, each) for each in texts] == [found(base, t) for t in texts]


@pytest.mark.parametrize(
    "account, specialist, source",
    [
        (NEW, "true", "specialist"),
        # Corrections have none.
        (CORRECTIONS, "true", "base"),
        (NEW, "false", "base"),
    ],
)
def test_update_begins_as_the_specialist_only_for_a_new_type_and_if_it_is_set(
    base, tmp_path, account, specialist, source
):
    base.to_disk(tmp_path / "base")
    write_docs([base.make_doc("Flu is back.")], tmp_path / "new.spacy")
    srsly.write_json(tmp_path / "preprocess.json", account)
    rehearsed = {"new_labels": account["new_labels"], "carved": {}}
    srsly.write_json(tmp_path / "rehearse.json", rehearsed)
    configure(
        tmp_path / "base",
        write_settings(tmp_path / "settings.cfg", 1, specialist=specialist),
        tmp_path / "preprocess.json",
        tmp_path / "rehearse.json",
        tmp_path / "configs",
        train=tmp_path / "new.spacy",
        dev="dev",
        rehearsal="old",
        specialist=str(tmp_path / "specialist"),
        logs="logs",
        keep="one",
    )
    config = Config().from_disk(tmp_path / "configs" / "update.cfg")
    assert config["components"]["ner"]["source"] == str(tmp_path / source)


def test_last_step_is_evaluated_and_kept_whatever_dev_says(base, tmp_path):
    update(base, tmp_path, max_steps=23)
    steps = [line["step"] for line in srsly.read_jsonl(tmp_path / "update.jsonl")]
    assert steps == list(range(0, 23, 2))
    trained = tmp_path / "trained" / "update"
    best, last = (trained / f"model-{n}" / "ner" for n in ("best", "last"))
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
    settings = read_settings(tmp_path / "settings.cfg", NEW)
    config = make_config(base, "base", "ner", settings, ["DISEASE"], 6)
    assert config["training"]["optimizer"]["learn_rate"] == srsly.json_loads(rate)
    config.to_disk(tmp_path / "update.cfg")
    names = [name for name, _ in dict(made_of(tmp_path / "update.cfg", []))["Settings"]]
    assert "training.dropout" in names


def test_tok2vec_that_feeds_the_ner_alone_is_dropped_and_another_stays(tmp_path):
    names = {
        layout: update(make_pipeline(layout), tmp_path / layout, 1).pipe_names
        for layout in ("only listener", "shared")
    }
    assert names == {"only listener": ["ner"], "shared": ["tok2vec", "tagger", "ner"]}


@pytest.mark.parametrize("keep", ["one", "exact"])
def test_updated_pipeline_loads_and_predicts_without_the_project(base, tmp_path, keep):
    text = "Flu is back in Oslo."
    updated = update(base, tmp_path, max_steps=250, keep=keep)
    code = "import importlib.util, spacy\n"
    code += "assert not importlib.util.find_spec('scripts')\n"
    code += f"doc = spacy.load('updated')({text!r})\n"
    code += "print([(ent.text, ent.label_) for ent in doc.ents])"
    command = [sys.executable, "-I", "-c", code]
    done = subprocess.run(command, cwd=tmp_path, check=True, capture_output=True)
    assert done.stdout.decode().strip() == str(found(updated, text))
    assert ("Flu", "DISEASE") in found(updated, text)


@pytest.mark.parametrize("keep, pipe", [("one", "ner"), ("exact", "ner_new")])
def test_same_seed_gives_the_same_weights(base, tmp_path, keep, pipe):
    once, again = (update(base, tmp_path / name, keep=keep) for name in "ab")
    assert weights(once, pipe) == weights(again, pipe)


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
    "account, n_words, overrides, passes, ratio, steps",
    [
        (CORRECTIONS, 400, {}, 30, 1.0, 450),
        # A given setting wins.
        (CORRECTIONS, 400, {"corpora.train.ratio": 0.0}, 30, 0.0, 450),
        # Many annotations of known labels are no corrections.
        (KNOWN, 40_000, {}, 10, 1.0, 1200),
        # The whole of a new label is to be learned, however few its annotations are.
        (NEW, 400, {}, 5, 3.0, 1200),
        (NEW, 40_000, {}, 5, 3.0, 1200),
        # Begun as the base.
        (NEW, 40_000, {"corpora.train.specialist": False}, 10, 1.0, 1200),
        # There is no specialist for known labels.
        (KNOWN, 40_000, {"corpora.train.specialist": True}, 10, 1.0, 1200),
    ],
)
def test_corrections_and_new_types_have_settings_of_their_own(
    account, n_words, overrides, passes, ratio, steps
):
    settings = read_settings(SETTINGS, account, overrides)
    assert settings["update"]["passes"] == passes
    assert settings["corpora"]["train"]["ratio"] == ratio
    assert budget(settings, settings["update"], n_words)["max_steps"] == steps


@pytest.mark.parametrize("specialist", [True, False])
def test_second_component_has_settings_of_its_own(tmp_path, specialist):
    path = write_settings(tmp_path / "update.cfg", 1)
    path.write_text(
        path.read_text("utf-8").replace(
            "[second.update]", "[second.update]\npasses = 77"
        ),
        "utf-8",
    )
    overrides = {"corpora.train.specialist": specialist}
    passes = [
        read_settings(path, NEW, overrides, is_second)["update"]["passes"]
        for is_second in (True, False)
    ]
    assert passes == [77, 5 if specialist else 10]


def test_label_with_a_dollar_stays_as_it_is(base, tmp_path):
    labels = ["DT", "PRP$", "WP$", "$", "A$B", "${x}", "%24"]
    settings = read_settings(SETTINGS, {**NEW, "labels": labels})
    config = make_config(base, "base", "ner", settings, labels, 6, found_before=labels)
    config.to_disk(tmp_path / "update.cfg")
    config = Config().from_disk(tmp_path / "update.cfg")
    assert labels_in(config) == labels
    assert from_config(config["corpora"]["train"]["found_before"]) == labels
    # As spaCy resolves it, again and again, before it calls ours.
    filled = registry.resolve(Config().from_str(config.to_str())["initialize"])
    scorer = filled["after_init"](make_pipeline("own")).get_pipe("ner").scorer
    assert inspect.getclosurevars(scorer).nonlocals["labels"] == labels


@pytest.mark.parametrize("account", [CORRECTIONS, NEW])
@pytest.mark.parametrize("is_second", [True, False])
def test_settings_of_their_own_can_be_removed(tmp_path, account, is_second):
    settings = Config().from_disk(SETTINGS, interpolate=False)
    del settings["corrections"], settings["new_types"], settings["second"]
    path = tmp_path / "update.cfg"
    settings.to_disk(path)
    read = read_settings(path, account, None, is_second)
    assert read["update"] == settings["update"]
    both = (Config().from_disk(p, interpolate=False) for p in (path, SETTINGS))
    one, other = map(shared_settings, both)
    assert one != other


@pytest.mark.parametrize(
    "pipe, annotated, rare",
    [
        ("ner", "DISEASE", ["GPE (3)"]),
        # What is annotated is not forgotten, and what is not trained neither.
        ("ner", "GPE", []),
        ("ner_new", "DISEASE", []),
    ],
)
def test_known_label_that_is_rare_in_the_rehearsal_docs_is_named(
    base, pipe, annotated, rare
):
    config = Config({"initialize": {"after_init": {"labels": [annotated]}}})
    facts = {"GPE": 3, "PERSON": 300}
    assert find_rare(base, "ner", {pipe: config}, facts) == rare


def test_gate_of_a_label_that_is_nowhere_is_refused_before_training():
    check_gates("ORG 0.97, DRUG f 0.6", ["ORG", "DRUG"])
    with pytest.raises(ValueError, match=r"no label ORGG: write one of DRUG, ORG\."):
        check_gates("ORGG 0.97", ["ORG", "DRUG"])
