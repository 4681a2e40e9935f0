import pytest
import spacy
import srsly
from conftest import KEPT, TEXTS, case_of, make_pipeline, metrics_of

from scripts.docs import write_docs
from scripts.evaluate import main
from scripts.evaluation.cases import add_sure, annotate
from scripts.evaluation.gates import pass_gates
from scripts.evaluation.layout import write_markdown
from scripts.evaluation.metrics import to_metrics
from scripts.evaluation.verdict import cure, verdict


def gold(nlp, text, *ents):
    doc = nlp.make_doc(text)
    doc.ents = [doc.char_span(*ent) for ent in ents]
    return doc


@pytest.fixture(scope="module")
def updated():
    """A pipeline that knows DISEASE and finds no PERSON any more."""
    nlp = make_pipeline("own")
    ruler = nlp.add_pipe("entity_ruler", before="ner")
    patterns = [{"label": "DISEASE", "pattern": "Flu"}]
    patterns += [{"label": "THING", "pattern": p} for p in ("Anna Berg", "Juan Paz")]
    ruler.add_patterns(patterns)
    return nlp


@pytest.fixture
def tests(base):
    old = [gold(base, text, *ents) for text, ents in TEXTS]
    new = [gold(base, "Flu is back in Oslo.", (0, 3, "DISEASE"))]
    return new, old


def evaluate(base, updated, test, old_test, is_gold=True):
    tests, known = {"new": test, "old": old_test}, base.pipe_labels["ner"]
    labels = {"new": {ent.label_ for doc in test for ent in doc.ents}, "old": known}
    both = (base, updated)
    cases = {name: annotate(both, docs, "ner") for name, docs in tests.items()}
    cases["old"] = add_sure(cases["old"], base, "ner")
    return to_metrics(cases, labels, known, is_gold=is_gold)


def test_only_annotated_labels_count_on_the_new_test(base, updated, tests):
    metrics = evaluate(base, updated, *tests)
    assert metrics["new"]["base"] == {"p": 0.0, "r": 0.0, "f": 0.0}
    assert metrics["new"]["updated"] == {"p": 1.0, "r": 1.0, "f": 1.0}
    assert list(metrics["new"]["labels"]) == ["DISEASE"]


def test_entity_found_where_nobody_annotated_is_no_mistake(base, updated, tests):
    doc = base.make_doc("Flu is back in Oslo. Flu!")
    doc.set_ents([doc.char_span(0, 3, "DISEASE")], default="missing")
    metrics = evaluate(base, updated, [doc], tests[1])
    assert metrics["new"]["updated"] == {"p": 1.0, "r": 1.0, "f": 1.0}


def test_retention_is_old_f_after_divided_by_before(base, updated, tests):
    metrics = evaluate(base, updated, *tests)
    old = metrics["old"]
    assert old["base"]["f"] == 1.0
    assert metrics["retention"] == old["updated"]["f"] < 1.0
    assert metrics["labels"]["PERSON"]["updated"]["r"] == 0.0
    assert metrics["labels"]["GPE"]["updated"]["f"] == 1.0


def test_new_types_on_old_text_are_counted_in_1000_docs(base, updated, tests):
    n_people = sum(label == "PERSON" for _, ents in TEXTS for *_, label in ents)
    metrics = evaluate(base, updated, *tests)
    assert metrics["spurious"] == 1000 * n_people / len(TEXTS)


def test_label_of_another_component_of_the_base_is_new_where_it_is_annotated(
    tests, tmp_path
):
    # A ruler of the base finds a DISEASE in the new test, and none in the old one.
    both = make_pipeline("own"), make_pipeline("own")
    for nlp, found in zip(both, (["Flu"], ["Flu", "Juan Paz"]), strict=True):
        rules = [{"label": "DISEASE", "pattern": pattern} for pattern in found]
        rules += [{"label": "DAY", "pattern": "Monday"}]
        nlp.add_pipe("entity_ruler", before="ner").add_patterns(rules)
    metrics = run(tmp_path, *both, tests)
    assert metrics["new_labels"] == ["DISEASE"]
    n_found = sum("Juan Paz" in text for text, _ in TEXTS)
    assert metrics["spurious"] == 1000 * n_found / len(TEXTS)
    assert metrics["spurious_examples"] == ["Juan Paz"]


def test_old_entity_with_a_new_label_has_moved_and_is_not_forgotten(
    base, updated, tests
):
    labels = [label for _, ents in TEXTS for *_, label in ents]
    fates = evaluate(base, updated, *tests)["fates"]
    n_people = labels.count("PERSON")
    assert fates == {"kept": len(labels) - n_people, "moved": n_people, "forgotten": 0}
    lost = evaluate(base, spacy.blank("en"), *tests)["fates"]
    assert lost == {"kept": 0, "moved": 0, "forgotten": len(labels)}


def test_what_moved_to_a_new_type_is_named_in_retention_and_verdict(
    base, updated, tests
):
    metrics = evaluate(base, updated, *tests)
    assert metrics["retention"] < metrics["retention_unmoved"] == 1.0
    kept = verdict(metrics | pass_gates(metrics, 0.97, 0.3))[0]
    assert "1.000 without what moved to an annotated label" in kept
    # Nothing moves where nothing is found.
    metrics = evaluate(base, spacy.blank("en"), *tests)
    assert metrics["retention_unmoved"] == metrics["retention"] == 0.0
    assert "moved" not in verdict(metrics | pass_gates(metrics, 0.97, 0.3))[0]


def test_base_that_finds_nothing_on_the_old_test_can_not_pass(
    base, updated, tests, tmp_path
):
    empty = [gold(base, "Nothing here.")]
    metrics = run(tmp_path, base, updated, (tests[0], empty))
    assert metrics["retention"] is None
    assert metrics["passed"] is metrics["kept"] is False


def run(
    folder,
    base,
    updated,
    tests,
    labels=("DISEASE",),
    corrections=(),
    carved=None,
    is_gold=True,
    earlier=(),
    **gates,
):
    base.to_disk(folder / "base")
    updated.to_disk(folder / "updated")
    for name, docs in zip(("test", "old_test"), tests, strict=True):
        write_docs(docs, folder / name / "00000.spacy")
    write_docs(tests[0], folder / "train" / "00000.spacy")
    if corrections:
        write_docs(corrections, folder / "corrections" / "00000.spacy")
    copies = ["test"] if corrections == tests[0] else []
    account = {"labels": labels, "copies": copies}
    if earlier:
        write_docs(earlier, folder / "earlier_1_test" / "00000.spacy")
        rounds = {"one.jsonl": ["GPE"]}
        account["earlier"] = {"rounds": rounds, "docs": {"earlier_1_test": 1}}
    srsly.write_json(folder / "preprocess.json", account)
    account = {"old_test_is_gold": is_gold, "carved": carved or {}}
    srsly.write_json(folder / "rehearse.json", account)
    accounts = ("preprocess.json", "rehearse.json")
    outputs = ("out.json", "changes.jsonl", "names.jsonl", "report.md")
    names = ("base", "updated", ".", *accounts, *outputs)
    main(*(folder / name for name in names), **gates)
    return srsly.read_json(folder / "out.json")


def test_annotated_type_that_the_new_test_lacks_is_a_mistake_where_it_is_found(
    base, updated, tests, tmp_path
):
    metrics = run(tmp_path, base, updated, tests, labels=["DISEASE", "GPE"])
    # "Oslo", in which a person looked for a GPE and marked none.
    assert metrics["new"]["updated"]["p"] == 0.5


@pytest.mark.parametrize(
    "gates, kept, learned, sentence",
    [
        (
            {"min_retention": 0.97},
            False,
            True,
            "The update forgot: F on the old labels fell from 100.0 to",
        ),
        (
            {"min_retention": 0.1, "min_new_f": 1.01},
            True,
            False,
            "The update learned too little of DISEASE: F on the new test is 100.0",
        ),
        (
            {"min_retention": 0.1, "min_new_f": 0.9},
            True,
            True,
            "Kept: F on the old labels fell from 100.0 to",
        ),
    ],
)
def test_verdict_is_by_both_gates(
    base, updated, tests, tmp_path, gates, kept, learned, sentence
):
    metrics = run(tmp_path, base, updated, tests, **gates)
    assert (metrics["kept"], metrics["learned"]) == (kept, learned)
    assert metrics["passed"] is (kept and learned)
    assert sentence in " ".join(verdict(metrics))
    # `report.md` has it too; the terminal shows it in the last step.
    assert sentence in (tmp_path / "report.md").read_text("utf-8")


def test_verdict_names_types_of_which_nothing_is_learned(base, updated, tests):
    doc = gold(base, "Flu is back in Oslo.", (0, 3, "DISEASE"), (15, 19, "PEST"))
    metrics = evaluate(base, updated, [doc], tests[1])
    *_, learned, _ = verdict(metrics | pass_gates(metrics, 0.0, 0.3))
    start = "Learned DISEASE, PEST: F on the new test is 66.7, before 0.0, but 0 "
    assert learned.startswith(start) and "0 for PEST (" in learned


def test_verdict_does_not_call_learned_what_the_base_did_better():
    missed = case_of("Omsk", gold=[(0, 1, "OLD")], base=[(0, 1, "OLD")])
    _, metrics = metrics_of([KEPT, KEPT, missed], labels=["OLD"])
    *_, learned = verdict(metrics | pass_gates(metrics, 0.0, 0.3))
    assert learned.startswith(
        "No better at OLD: F on the new test is 80.0, before 100.0 ("
    )


def test_type_that_gold_of_the_old_test_lacks_does_not_count_there(
    base, updated, tests, tmp_path, capsys
):
    # As in a second round: what the first one taught is not in the gold of before.
    people = gold(base, "Juan Paz left Oslo.", (0, 8, "PERSON"))
    metrics = run(tmp_path, base, updated, (tests[0], [people]))
    assert list(metrics["old"]["labels"]) == ["PERSON"]
    assert metrics["old"]["base"]["p"] == 1.0
    assert "Not in the old test: GPE." in " ".join(capsys.readouterr().out.split())
    assert metrics["untested"] == ["GPE"] and "no test has GPE" in metrics["doubts"]


def test_test_of_an_earlier_round_measures_what_it_taught(
    base, updated, tests, tmp_path, capsys
):
    people = gold(base, "Juan Paz left Oslo.", (0, 8, "PERSON"))
    # Nobody looked for people in it; of cities, one that the base finds is none.
    earlier = gold(base, "Juan Paz left Oslo for Lima.", (23, 27, "GPE"))
    metrics = run(
        tmp_path, base, updated, (tests[0], [people]), earlier=[earlier], gates="GPE .9"
    )
    [one] = metrics["earlier"]
    assert one["name"] == "earlier round one.jsonl" and one["gold"] == 1
    assert [*one["labels"]] == ["GPE"] and one["updated"]["r"] == 1
    printed = " ".join(capsys.readouterr().out.split())
    assert "Not in the old test" not in printed and not metrics["untested"]
    assert "Test of earlier round one.jsonl" in printed
    # One for the round, one for the label: too few to judge by, and said so.
    assert [row["outcome"] for row in metrics["judged"]] == ["not judged"] * 2
    report = (tmp_path / "report.md").read_text("utf-8")
    assert "## Test of earlier round one.jsonl: what was learned then" in report


def test_table_shows_both_tests_with_the_change(base, updated, tests, tmp_path, capsys):
    run(tmp_path, base, updated, tests)
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert ["DISEASE", "1", "0.0", "100.0", "+100.0", "–"] in lines
    person = ["PERSON", "3", "100.0", "0.0", "-100.0"]
    assert person in [line[:5] for line in lines]


def test_markdown_has_precision_and_recall_too(base, updated, tests, tmp_path):
    run(tmp_path, base, updated, tests)
    report = (tmp_path / "report.md").read_text("utf-8")
    change = ["DISEASE", "0.0", "100.0", "+100.0", "–"]
    disease = [*change, "1", *["0.0"] * 2, *["100.0"] * 2]
    assert f"| {' | '.join(disease)} |" in report
    lines = [line for line in report.splitlines() if line.startswith("| PERSON |")]
    cells = lines[0].strip("| ").split(" | ")
    assert cells[:4] == ["PERSON", "100.0", "0.0", "-100.0"]
    assert cells[5:] == ["3", *["100.0"] * 2, *["0.0"] * 2]


def test_agreement_with_the_base_is_never_called_kept(base, updated, tests, tmp_path):
    metrics = evaluate(base, updated, *tests, is_gold=False)
    assert metrics["retention"] is None
    people = sum(label == "PERSON" for _, ents in TEXTS for *_, label in ents)
    n = sum(len(ents) for _, ents in TEXTS)
    for gate, start in ((1, "Changed"), (0.05, "The update changed too much")):
        first, *_ = verdict(metrics | pass_gates(metrics, max_changed=gate))
        share = f"{100 * people / n:.1f} %"
        assert first == (
            f"{start}: of {n} annotations that the base is sure of, {share} are lost "
            f"or found otherwise (the gate is {100 * gate:.1f} %; of all {n}: {share})."
        )
    metrics |= pass_gates(metrics)
    for f, is_definition in ((1.0, True), (0.998, False)):
        # A base that makes other annotations now, as on another machine, is none.
        metrics["old"]["base"]["f"] = f
        write_markdown(tmp_path / "report.md", metrics, [])
        report = (tmp_path / "report.md").read_text("utf-8")
        assert "## Agreement with the base on unseen text" in report
        assert ("scores 100 by definition" in report) is is_definition
        assert "kept" not in report.lower()


def test_what_moved_to_a_label_that_was_carved_out_is_not_changed(
    base, updated, tests, tmp_path
):
    old = tests[1]
    for name, carved in (("one", {}), ("two", {"THING": ["PERSON"], "DISEASE": []})):
        (tmp_path / name).mkdir()
        metrics = run(
            tmp_path / name,
            base,
            updated,
            (tests[0], old),
            is_gold=False,
            carved=carved,
        )
        sure = metrics["changed"]["sure"]
        assert sure["moved"] == (3 if carved else 0)
        assert sure["otherwise"] == (0 if carved else 3)
        assert sure["kept"] == 4 and sure["lost"] == 0
        assert metrics["kept"] is bool(carved)
    sentences = " ".join(verdict(metrics))
    assert "0.0 % are lost or found otherwise" in sentences
    assert " 3 moved to an annotated label." in sentences


def test_list_of_corrections_says_which_are_right(base, updated, tests, tmp_path):
    text = "Anna Berg flew to Oslo on Monday."
    right = gold(base, text, (18, 22, "GPE"))
    # The update finds no GPE there; then one where a person marked none.
    wrong = gold(base, "Nothing happened in the office today.", (20, 30, "GPE"))
    more = gold(base, "Juan Paz left Oslo.")
    rejected = base.make_doc("In Lima, Juan Paz met her.")
    rejected.set_ents([], default="missing")
    rejected.spans["incorrect_spans"] = [rejected.char_span(3, 7, "GPE")]
    unseen = base.make_doc("The office in Lima is closed.")
    unseen.set_ents([], default="missing")
    docs = [right, wrong, more, rejected, unseen]
    options = {"labels": ["GPE"], "corrections": docs, "min_new_f": 0}
    metrics = run(tmp_path, base, updated, (docs, tests[1]), **options)
    rows = metrics["corrections"]
    assert [row["text"] for row in rows] == [doc.text for doc in docs]
    assert [row["fixed"] for row in rows] == [True, False, False, False, True]
    # Nobody said anything of other labels.
    assert rows[0]["right"] == rows[0]["base"] == rows[0]["updated"]
    assert rows[0]["right"] == [[18, 22, "GPE"]]
    assert rows[1]["right"] == [[20, 30, "GPE"]] and rows[1]["updated"] == []
    assert rows[2]["right"] == [] and rows[2]["updated"] == [[14, 18, "GPE"]]
    assert rows[3]["right"] == [] and rows[3]["updated"] == [[3, 7, "GPE"]]
    assert "2 of 5 corrected texts are right" in " ".join(verdict(metrics))
    assert "the corrections that are scored were trained on" in metrics["doubts"]
    # With a test of the user's own they are listed too, and the doubt is gone.
    own = run(tmp_path, base, updated, tests, **options)
    assert own["corrections"] == rows
    assert not any("trained on" in doubt for doubt in own["doubts"])


def test_cure_fits_what_went_wrong(base, updated, tests):
    metrics = evaluate(base, updated, *tests)
    forgot = cure(metrics | pass_gates(metrics, 0.97, 0))
    assert "vars.min_retention" in forgot and "vars.min_new_f" not in forgot
    learned = cure(metrics | pass_gates(metrics, 0, 1.01))
    assert "vars.min_new_f" in learned and "vars.min_retention" not in learned
    metrics["retention"] = None
    assert "vars.old_test" in cure(metrics | pass_gates(metrics, 0.97, 0))
    assert forgot.endswith('"When the gate stops you" in the README.')


def test_each_changed_passage_is_a_row(base, updated, tests, tmp_path):
    run(tmp_path, base, updated, tests)
    rows = list(srsly.read_jsonl(tmp_path / "changes.jsonl"))
    flu = rows[0]
    assert flu["test"] == "new" and flu["text"] == "Flu is back in Oslo."
    assert flu["gold"] == flu["updated"][:1] == [[0, 3, "DISEASE"]]
    assert flu["changes"][-1] == ["learned", "DISEASE"]
    groups = [group for row in rows[1:] for group, _ in row["changes"]]
    assert groups == ["forgotten", "new mistake"] * 3
