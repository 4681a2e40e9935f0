import json
import os
import re
from pathlib import Path

import pytest
import spacy
import srsly

from scripts.components.ner import INCORRECT
from scripts.docs import read_docs
from scripts.preprocess import main

ROOT = Path(__file__).parents[1]
DATA = Path(os.environ.get("BENCHMARK_DATA", ROOT.parent / "shared" / "data"))
ASTHMA = {"start": 0, "end": 6, "label": "DISEASE"}
GOOD = {"text": "Asthma is common in Leeds.", "spans": [ASTHMA]}


def write(path: Path, rows: list) -> str:
    path.write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    return str(path)


def preprocess(folder: Path, train: str, **settings):
    main(
        train,
        folder / "out",
        account_path=folder / "account.json",
        rejected_path=folder / "rejected.jsonl",
        **{"base": "blank:en", "max_rejected": 1.0, **settings},
    )
    account = srsly.read_json(folder / "account.json")
    rejected = list(srsly.read_jsonl(folder / "rejected.jsonl"))
    vocab = spacy.blank("en").vocab
    docs = {p.name: list(read_docs(p, vocab)) for p in (folder / "out").iterdir()}
    return account, rejected, docs


def span(*offsets, label="DISEASE"):
    return {"text": "Asthma is common.", "spans": [[*offsets, label]]}


@pytest.mark.parametrize(
    "row, reason",
    [
        (
            span(0, 5),
            r"ends inside a token: span 0:5 'Asthm' .DISEASE., nearest is 0:6 'Asthma'",
        ),
        (span(3, 3), "empty"),
        (span(6, 0), "empty"),
        (span(6, 7), "empty"),
        (span(0, 99), "outside the text: span 0:99 .* of 17 characters"),
        (span(-1, 6), "outside the text"),
        (span("0", 6), "not whole numbers"),
        (span(0.0, 6), "not whole numbers"),
        (span(None, None), "not whole numbers"),
        (span(0, 6, label=""), "a label that spaCy cannot learn: ''; see --map"),
        (
            span(0, 6, label="RARE  DISEASE"),
            "a label that spaCy cannot learn: .*; see --map",
        ),
        (span(0, 6, label=None), "a label is not a name: None"),
        ({"text": "Asthma is.", "spans": [[0, 9, "A"], [7, 9, "B"]]}, "overlap: 7:9"),
        ({"text": "Asthma.", "spans": [[0, 6]]}, r"not a span \[start, end, label\]: "),
        ({"text": "Asthma.", "spans": ["DISEASE"]}, "not a span"),
        ({"text": "Asthma.", "spans": {"start": 0}}, "the spans are not a list"),
        ({"text": "Asthma.", "spans": None}, "the spans are not a list"),
        ({"text": "", "spans": []}, "no text"),
        ({"text": " \t", "spans": []}, "no text"),
        ({"text": 7, "spans": []}, "no text"),
        ({"spans": []}, "no text"),
        ({"text": "Flu \ud83d", "spans": [[0, 3, "D"]]}, "half a UTF-16 pair"),
        (["a", "b", "c"], "neither"),
        ("just a text", "neither"),
        (None, "neither"),
        ({"text": "\u200bAsthma\u200b.", "spans": [[1, 7, "D"]]}, "inside a token"),
        ({"text": "قال محمد", "spans": [[1, 3, "D"]]}, "inside a token"),
        ({"text": "😷😷Flu", "spans": [[3, 4, "D"]]}, "inside a token"),
    ],
)
def test_bad_row_is_rejected_whole_with_file_line_and_reason(tmp_path, row, reason):
    train = write(tmp_path / "train.jsonl", [GOOD, row])
    account, rejected, docs = preprocess(tmp_path, train)
    rows = account["rows"]
    assert (rows["in"], rows["kept"], rows["rejected"]) == (2, 1, 1)
    assert len(docs["train"]) == 1
    [refused] = rejected
    assert (refused["file"], refused["line"], refused["row"]) == (train, 2, row)
    assert re.search(reason, refused["reason"])


@pytest.mark.parametrize("line", [b"{broken", b'{"text": "a"', b"\xff\xfe", b"[1,"])
def test_line_that_is_no_json_is_rejected(tmp_path, line):
    train = tmp_path / "train.jsonl"
    train.write_bytes(json.dumps(GOOD).encode() + b"\n" + line + b"\n\n")
    account, rejected, _ = preprocess(tmp_path, str(train))
    assert account["rows"]["in"] == 2
    assert account["rows"]["rejected"] == 1
    assert "not JSON in UTF-8" in rejected[0]["reason"]


@pytest.mark.parametrize(
    "row",
    [
        {"text": "Flu is back.", "spans": [{"start": 0, "end": 3, "label": "DISEASE"}]},
        {"text": "Flu is back.", "entities": [[0, 3, "DISEASE"]]},
        {"text": "Flu is back.", "label": [[0, 3, "DISEASE"]]},
        ["Flu is back.", {"entities": [[0, 3, "DISEASE"]]}],
    ],
)
def test_each_shape_of_row_gives_the_same_doc(tmp_path, row):
    writers = {"a.jsonl": srsly.write_jsonl, "a.json": srsly.write_json}
    for name, write_file in writers.items():
        write_file(tmp_path / name, [row])
        _, _, docs = preprocess(tmp_path, str(tmp_path / name))
        [doc] = docs["train"]
        assert [(e.text, e.label_) for e in doc.ents] == [("Flu", "DISEASE")]


def test_offsets_count_characters_not_bytes(tmp_path):
    row = {"text": "😷 naïve Flu", "spans": [[8, 11, "DISEASE"]]}
    _, _, docs = preprocess(tmp_path, write(tmp_path / "train.jsonl", [row]))
    assert [e.text for e in docs["train"][0].ents] == ["Flu"]


def test_white_space_at_the_edge_of_a_span_is_cut_and_counted(tmp_path):
    row = {"text": "Severe flu is back.", "spans": [[6, 11, "DISEASE"]]}
    account, _, docs = preprocess(tmp_path, write(tmp_path / "train.jsonl", [row]))
    assert [e.text for e in docs["train"][0].ents] == ["flu"]
    assert account["rows"]["repaired"] == account["spans"]["repaired"] == 1


def test_row_that_its_annotator_did_not_accept_is_ignored_and_counted(tmp_path):
    two = [ASTHMA, {"start": 20, "end": 25, "label": "GPE"}]
    rows = [GOOD, {**GOOD, "spans": two, "answer": "reject"}]
    rows += [{**GOOD, "answer": "ignore"}]
    account, _, docs = preprocess(tmp_path, write(tmp_path / "train.jsonl", rows))
    assert account["rows"]["ignored"] == 2
    assert account["ignored"] == {"answer ignore": 1, "answer reject": 1}
    assert len(docs["train"]) == 1


def test_all_rows_and_spans_are_accounted_for(tmp_path):
    bad = [span(0, 5), {"text": ""}, ["x"], {**GOOD, "answer": "ignore"}]
    rows = [{**GOOD, "text": f"Asthma is common in Leeds {i}."} for i in range(30)]
    train = write(tmp_path / "train.jsonl", rows + bad)
    account, rejected, docs = preprocess(tmp_path, train, dev="", test="")
    for counts in (account["rows"], account["spans"]):
        assert counts["in"] == sum(counts.values()) - counts["in"]
    assert account["rows"]["rejected"] == len(rejected) == 3
    assert sum(map(len, docs.values())) == account["rows"]["kept"] == 30


def test_split_is_the_same_in_any_order_and_shares_no_text(tmp_path):
    rows = [
        {**GOOD, "text": f"{'Asthma' if i % 2 else 'ASTHMA'} {i // 2}."}
        for i in range(100)
    ]
    splits = []
    for name, some in (("a", rows), ("b", rows[::-1])):
        (tmp_path / name).mkdir()
        train = write(tmp_path / name / "train.jsonl", some)
        _, _, docs = preprocess(tmp_path / name, train, dev="", test="")
        splits.append({key: {doc.text for doc in docs[key]} for key in docs})
    assert splits[0] == splits[1]
    train, dev, test = (splits[0][key] for key in ("train", "dev", "test"))
    assert dev and test and not (train & dev or train & test or dev & test)


def test_split_has_every_label_on_each_side(tmp_path):
    rows = [{"text": f"Common {i}.", "spans": [[0, 6, "COMMON"]]} for i in range(50)]
    rows += [{"text": f"Rare {i}.", "spans": [[0, 4, "RARE"]]} for i in range(5)]
    train = write(tmp_path / "train.jsonl", rows)
    _, _, docs = preprocess(tmp_path, train, dev="", test="")
    for split in docs.values():
        assert {e.label_ for doc in split for e in doc.ents} == {"COMMON", "RARE"}


def test_two_runs_write_the_same_bytes(tmp_path):
    rows = [{**GOOD, "text": f"Asthma {i}."} for i in range(20)]
    train = write(tmp_path / "train.jsonl", rows)
    written = []
    for _ in range(2):
        preprocess(tmp_path, train, dev="", test="")
        files = sorted((tmp_path / "out").rglob("*.spacy"))
        written.append([path.read_bytes() for path in files])
    assert written[0] == written[1]


def test_strict_refuses_a_rejected_row_and_writes_no_corpus(tmp_path):
    train = write(tmp_path / "train.jsonl", [GOOD, span(0, 5)])
    with pytest.raises(
        ValueError, match=r"1 of 2 rows were rejected.*All are in .*rejected\.jsonl"
    ):
        preprocess(tmp_path, train, strict=True)
    assert len((tmp_path / "rejected.jsonl").read_text().splitlines()) == 1
    assert not (tmp_path / "out").exists()


def test_old_test_may_have_another_format_than_the_one_given(tmp_path):
    row = {
        "text": "Asthma is common.",
        "entities": [[0, 6, "DISEASE"]],
        "answer": "accept",
    }
    train = write(tmp_path / "train.jsonl", [row])
    old_test = tmp_path / "old.conll"
    old_test.write_text("Oslo B-GPE\nsleeps O\n")
    *_, docs = preprocess(tmp_path, train, old_test=str(old_test), format_name="plain")
    assert [ent.label_ for doc in docs["old_test"] for ent in doc.ents] == ["GPE"]


def test_old_test_has_a_share_of_rejected_rows_of_its_own(tmp_path):
    rows = [{**GOOD, "text": f"Asthma {i}."} for i in range(40)]
    train = write(tmp_path / "train.jsonl", rows)
    old_test = write(tmp_path / "old.jsonl", [GOOD, span(0, 5)])
    with pytest.raises(ValueError, match="1 of 2 rows were rejected"):
        preprocess(tmp_path, train, old_test=old_test, max_rejected=0.05)


def test_no_annotation_left_is_an_error_that_says_why(tmp_path):
    train = write(tmp_path / "train.jsonl", [span(0, 6, label="MY LABEL ")])
    with pytest.raises(
        ValueError, match=r"train\.jsonl has no annotation of any label"
    ):
        preprocess(tmp_path, train)
    assert not (tmp_path / "out").exists()


def test_empty_file_is_an_error(tmp_path):
    (tmp_path / "train.jsonl").touch()
    with pytest.raises(ValueError, match="has no annotation of any label"):
        preprocess(tmp_path, str(tmp_path / "train.jsonl"))


def test_missing_file_is_an_error_that_names_it(tmp_path):
    with pytest.raises(ValueError, match=r"No file at '.*nowhere\.jsonl'"):
        preprocess(tmp_path, str(tmp_path / "nowhere.jsonl"))


def test_dev_without_a_new_label_is_an_error_that_says_what_to_do(tmp_path):
    train = write(tmp_path / "train.jsonl", [GOOD])
    dev = write(tmp_path / "dev.jsonl", [{"text": "No illness here."}])
    with pytest.raises(ValueError, match=r"dev\.jsonl has no annotation of DISEASE"):
        preprocess(tmp_path, train, dev=dev)


def test_label_that_only_dev_has_is_ignored_and_counted(tmp_path):
    train = write(tmp_path / "train.jsonl", [GOOD])
    both = [ASTHMA, {"start": 20, "end": 25, "label": "GPE"}]
    dev = write(tmp_path / "dev.jsonl", [{**GOOD, "spans": both}])
    account, _, docs = preprocess(tmp_path, train, dev=dev)
    assert [e.label_ for e in docs["dev"][0].ents] == ["DISEASE"]
    assert account["spans"]["ignored"] == 1
    assert account["ignored"] == {"GPE, not looked for": 1}


def test_folder_and_glob_read_every_file_of_it(tmp_path):
    (tmp_path / "in").mkdir()
    for name in ("a.jsonl", "b.jsonl"):
        write(tmp_path / "in" / name, [{**GOOD, "text": GOOD["text"] + name}])
    for pattern in (tmp_path / "in", tmp_path / "in" / "*.jsonl"):
        account, _, _ = preprocess(tmp_path, str(pattern))
        assert account["rows"]["kept"] == 2


def ents(docs, split="train"):
    return [[(e.text, e.label_) for e in doc.ents] for doc in docs[split]]


@pytest.mark.parametrize(
    "flags, row, expected, repairs",
    [
        ({}, span(0, 7), "Asthma", {"trim": 1}),
        ({"align": "expand"}, span(0, 4), "Asthma", {"expand": 1}),
        ({"align": "contract"}, span(0, 8), "Asthma", {"contract": 1}),
        ({}, {"text": "Asthma, flu.", "spans": [[0, 7, "D"]]}, "Asthma", {"trim": 1}),
        ({}, {"text": "(Asthma", "spans": [[0, 7, "D"]]}, "Asthma", {"trim": 1}),
        ({}, {"text": '"Asthma"', "spans": [[0, 8, "D"]]}, '"Asthma"', {}),
        ({}, {"text": "Rare (sic) flu", "spans": [[0, 10, "D"]]}, "Rare (sic)", {}),
        ({}, {"text": "U.S. flu", "spans": [[0, 4, "D"]]}, "U.S.", {}),
        (
            {"longest": True},
            {"text": "Rare flu", "spans": [[5, 8, "D"], [0, 8, "D"]]},
            "Rare flu",
            {"overlap": 1},
        ),
        (
            {},
            {"text": "Flu", "spans": [[0, 3, "D"], [0, 3, "D"]]},
            "Flu",
            {"duplicate": 1},
        ),
    ],
)
def test_span_is_repaired_and_the_repair_counted(
    tmp_path, flags, row, expected, repairs
):
    account, _, docs = preprocess(
        tmp_path, write(tmp_path / "train.jsonl", [row]), **flags
    )
    assert [text for text, _ in ents(docs)[0]] == [expected]
    assert account["repairs"] == repairs
    spans = account["spans"]
    assert spans["in"] == len(row["spans"]) == sum(spans.values()) - spans["in"]


@pytest.mark.parametrize(
    "flags, row",
    [
        ({"trim": False}, {"text": "Asthma now", "spans": [[0, 7, "D"]]}),
        ({"merge": False}, {"text": "Flu", "spans": [[0, 3, "D"], [0, 3, "D"]]}),
    ],
)
def test_repair_can_be_forbidden(tmp_path, flags, row):
    train = write(tmp_path / "train.jsonl", [GOOD, row])
    account, _, _ = preprocess(tmp_path, train, **flags)
    assert account["rows"]["rejected"] == 1 and account["repairs"] == {}


def test_text_that_comes_twice_is_merged_or_both_versions_are_shown(tmp_path):
    other = {**GOOD, "spans": [{"start": 20, "end": 25, "label": "DISEASE"}]}
    train = write(tmp_path / "train.jsonl", [GOOD, GOOD, other])
    account, [rejected], docs = preprocess(tmp_path, train)
    assert account["ignored"] == {"duplicate": 1} and len(docs["train"]) == 1
    assert rejected["row"] == other
    assert (rejected["other"]["line"], rejected["other"]["value"]) == (1, GOOD)
    account, _, docs = preprocess(tmp_path, train, merge=False)
    assert len(docs["train"]) == 3


def test_versions_of_a_text_are_compared_as_they_were_taken(tmp_path):
    says = {"start": 0, "end": 6, "label": "DISEASE", "text": "Asthma"}
    bad, same = {"start": 0, "end": 99, "label": "DISEASE"}, {**ASTHMA, "end": 7}
    rows = [{**GOOD, "spans": [span]} for span in (bad, ASTHMA, says, same)]
    account, rejected, docs = preprocess(
        tmp_path, write(tmp_path / "train.jsonl", rows)
    )
    assert [row["line"] for row in rejected] == [1]
    assert account["ignored"] == {"duplicate": 2} and len(docs["train"]) == 1


def test_label_that_was_not_looked_for_spoils_no_row(tmp_path):
    row = {"text": "Asthma.", "spans": [[0, 6, "DISEASE"], [0, 4, "PREFIX"]]}
    train = write(tmp_path / "train.jsonl", [row])
    account, _, docs = preprocess(tmp_path, train, annotated_labels="DISEASE")
    assert ents(docs) == [[("Asthma", "DISEASE")]]
    assert account["rows"]["kept"] == account["spans"]["ignored"] == 1


def test_what_was_rejected_goes_in_once_it_is_mended(tmp_path):
    train = write(tmp_path / "train.jsonl", [GOOD, span(0, 5)])
    _, [rejected], _ = preprocess(tmp_path, train)
    assert rejected["excerpt"] == ">>>Asthm<<<a is common."
    rejected["row"]["spans"][0][1] = 6
    mended = write(tmp_path / "mended.jsonl", [rejected])
    _, none, docs = preprocess(tmp_path, mended)
    assert none == [] and ents(docs) == [[("Asthma", "DISEASE")]]


def test_too_many_rejected_rows_are_an_error_with_the_commonest_reasons(tmp_path):
    texts = ("Asthma here.", "Asthma there.", "Asthma now.")
    ends = (5, 4, 99)
    bad = [{**span(0, e), "text": t} for e, t in zip(ends, texts, strict=True)]
    train = write(tmp_path / "train.jsonl", [GOOD] * 50 + bad)
    with pytest.raises(
        ValueError, match=r"inside a token \(2\); outside the text \(1\)"
    ):
        preprocess(tmp_path, train, max_rejected=0.05)
    assert not (tmp_path / "out").exists()
    assert len((tmp_path / "rejected.jsonl").read_text().splitlines()) == 3
    preprocess(tmp_path, train, max_rejected=0.06)


def test_partial_makes_what_is_unmarked_missing_values(tmp_path):
    train = write(tmp_path / "train.jsonl", [GOOD])
    for partial, iob in ((True, 0), (False, 2)):
        _, _, docs = preprocess(tmp_path, train, partial=partial)
        tokens = [(token.ent_iob, token.ent_type_) for token in docs["train"][0]]
        assert tokens == [(3, "DISEASE"), *[(iob, "")] * 5]


def test_rejected_answer_of_one_span_says_that_it_is_none(tmp_path):
    no = {**GOOD, "text": "Asthma drug.", "answer": "reject", "_view_id": "ner"}
    account, _, docs = preprocess(tmp_path, write(tmp_path / "train.jsonl", [GOOD, no]))
    doc = docs["train"][1]
    [wrong] = doc.spans["incorrect_spans"]
    assert (wrong.text, wrong.label_, doc.ents) == ("Asthma", "DISEASE", ())
    assert {token.ent_iob for token in doc} == {0}
    assert account["spans"]["kept"] == 2


def test_labels_looked_for_are_those_given_and_others_are_ignored(tmp_path):
    both = [ASTHMA, {"start": 20, "end": 25, "label": "GPE"}]
    train = write(tmp_path / "train.jsonl", [{**GOOD, "spans": both}])
    account, _, docs = preprocess(tmp_path, train, annotated_labels="DRUG,DISEASE")
    assert account["labels"] == ["DRUG", "DISEASE"]
    assert ents(docs) == [[("Asthma", "DISEASE")]]
    assert account["spans"]["ignored"] == 1


def test_new_label_that_differs_from_an_old_one_in_case_alone_is_named(
    tmp_path, base, capsys
):
    base.to_disk(tmp_path / "base")
    person = {**GOOD, "spans": [{**ASTHMA, "label": "Person"}]}
    train = write(tmp_path / "train.jsonl", [person])
    preprocess(tmp_path, train, base=str(tmp_path / "base"))
    assert "Person is new: if you mean the base's PERSON" in capsys.readouterr().out


def test_new_label_that_test_lacks_is_named(tmp_path, capsys):
    gpe = {"start": 20, "end": 25, "label": "GPE"}
    train = write(tmp_path / "train.jsonl", [{**GOOD, "spans": [ASTHMA, gpe]}])
    test = write(tmp_path / "test.jsonl", [GOOD])
    preprocess(tmp_path, train, test=test)
    assert "New, but not in test: GPE." in capsys.readouterr().out


def test_labels_that_the_base_does_not_know_are_new(base, tmp_path):
    base.to_disk(tmp_path / "base")
    both = [ASTHMA, {"start": 20, "end": 25, "label": "GPE"}]
    train = write(tmp_path / "train.jsonl", [{**GOOD, "spans": both}])
    account, *_ = preprocess(tmp_path, train, base=str(tmp_path / "base"))
    assert account["labels"] == ["DISEASE", "GPE"]
    assert account["new_labels"] == ["DISEASE"]


LEEDS = {"start": 20, "end": 25, "label": "GPE"}


def corrections(n):
    texts = [f"Asthma is common in Leeds {i}." for i in range(n)]
    return [{"text": text, "spans": [LEEDS]} for text in texts]


def test_corrections_are_all_in_train_dev_and_test(base, tmp_path, capsys):
    base.to_disk(tmp_path / "base")
    train = write(tmp_path / "train.jsonl", corrections(30))
    settings = {"base": str(tmp_path / "base"), "dev": "", "test": ""}
    account, _, docs = preprocess(tmp_path, train, **settings)
    texts = [row["text"] for row in corrections(30)]
    assert docs.keys() == {"train", "dev", "test", "corrections"}
    for name in docs:
        assert [doc.text for doc in docs[name]] == texts
        assert ents(docs, name) == [[("Leeds", "GPE")]] * 30
    assert account["corrections"] is True and account["copies"] == ["dev", "test"]
    assert account["new_labels"] == []
    assert account["docs"] == {"train": 30, "dev": 30, "test": 30}
    # Each row was read once.
    assert account["rows"]["in"] == account["rows"]["kept"] == 30
    assert account["near"]["rows"] == 0
    assert "These are corrections: all are trained on" in capsys.readouterr().out


@pytest.mark.parametrize(
    "rows, annotated_labels",
    [
        # DISEASE is new.
        ([*corrections(29), GOOD], ""),
        # It is, though no row has it.
        (corrections(30), "GPE, DISEASE"),
        # 1,800 words, of which some can be spared.
        (corrections(300), ""),
    ],
)
def test_annotations_that_are_no_corrections_are_split(
    base, tmp_path, capsys, rows, annotated_labels
):
    base.to_disk(tmp_path / "base")
    train = write(tmp_path / "train.jsonl", rows)
    settings = {"base": str(tmp_path / "base"), "dev": "", "test": ""}
    settings["annotated_labels"] = annotated_labels
    account, _, docs = preprocess(tmp_path, train, **settings)
    assert account["corrections"] is False and account["copies"] == []
    assert sum(map(len, docs.values())) == len(rows)
    assert docs["dev"] and docs["test"]
    assert "corrections" not in capsys.readouterr().out


def test_only_what_the_user_left_empty_is_a_copy_of_the_corrections(base, tmp_path):
    base.to_disk(tmp_path / "base")
    train = write(tmp_path / "train.jsonl", corrections(3))
    own = write(tmp_path / "dev.jsonl", [{**GOOD, "spans": [LEEDS]}])
    settings = {"base": str(tmp_path / "base"), "dev": own, "test": ""}
    account, _, docs = preprocess(tmp_path, train, **settings)
    assert account["docs"] == {"dev": 1, "train": 3, "test": 3}
    # A dev or test of their own was not trained on.
    assert account["corrections"] is True and account["copies"] == ["test"]
    assert [doc.text for doc in docs["dev"]] == [GOOD["text"]]


def test_known_labels_are_those_of_the_component(base, tmp_path):
    base.to_disk(tmp_path / "base")
    renamed = spacy.load(tmp_path / "base")
    renamed.rename_pipe("ner", "names")
    renamed.to_disk(tmp_path / "renamed")
    gpe = {"start": 20, "end": 25, "label": "GPE"}
    train = write(tmp_path / "train.jsonl", [{**GOOD, "spans": [ASTHMA, gpe]}])
    folder = str(tmp_path / "renamed")
    account, *_ = preprocess(tmp_path, train, base=folder, component="names")
    assert account["new_labels"] == ["DISEASE"]


def test_terminal_shows_the_account_in_a_line_and_what_was_rejected(tmp_path, capsys):
    trimmed = {"text": "Asthma, then.", "spans": [[0, 7, "DISEASE"]]}
    train = write(tmp_path / "train.jsonl", [GOOD, GOOD, trimmed, span(0, 5)])
    preprocess(tmp_path, train)
    out = capsys.readouterr().out
    path = tmp_path / "rejected.jsonl"
    assert f"4 rows: 1 kept, 1 repaired, 1 rejected, 1 ignored ({path})" in out
    assert "ignored: duplicate (1)" in out and "repairs: trim (1)" in out
    assert "train.jsonl:4: ends inside a token" in out


def test_rows_of_a_document_stay_together(tmp_path):
    rows = [
        {**GOOD, "text": f"Asthma {i}.", "meta": {"doc_id": i % 20}} for i in range(200)
    ]
    train = write(tmp_path / "train.jsonl", rows)
    _, _, docs = preprocess(tmp_path, train, dev="", test="")
    groups = [{int(doc[1].text) % 20 for doc in split} for split in docs.values()]
    assert [len(group) for group in groups] == [len({*group}) for group in groups]
    assert sum(map(len, groups)) == 20


def test_text_of_two_documents_stands_on_one_side(tmp_path):
    rows = [{**GOOD, "text": f"Asthma {i // 2}.", "doc": i} for i in range(200)]
    train = write(tmp_path / "train.jsonl", rows)
    _, _, docs = preprocess(tmp_path, train, dev="", test="", merge=False)
    texts = [{doc.text for doc in split} for split in docs.values()]
    assert sum(map(len, texts)) == 100


def test_near_duplicates_of_held_out_texts_are_named(tmp_path):
    text = "Asthma was found in nine of ten children who lived near the road"
    train = write(tmp_path / "train.jsonl", [GOOD, {**GOOD, "text": f"{text} there."}])
    dev = write(tmp_path / "dev.jsonl", [{**GOOD, "text": f"{text}."}])
    account, _, docs = preprocess(tmp_path, train, dev=dev)
    assert account["near"] == {"rows": 1, "first": [[f"{train}:2", f"{dev}:1"]]}
    assert len(docs["train"]) == 2


def test_docs_are_written_in_several_files(tmp_path, monkeypatch):
    monkeypatch.setattr("scripts.docs.FILE_SIZE", 4)
    for n_rows, n_files in ((1, 1), (4, 1), (9, 3)):
        rows = [{**GOOD, "text": f"Asthma {n}."} for n in range(n_rows)]
        _, _, docs = preprocess(tmp_path, write(tmp_path / "train.jsonl", rows))
        assert [doc.text for doc in docs["train"]] == [row["text"] for row in rows]
        assert len([*(tmp_path / "out" / "train").iterdir()]) == n_files


def test_versions_in_different_files_are_compared(tmp_path, monkeypatch):
    monkeypatch.setattr("scripts.docs.FILE_SIZE", 2)
    rows = [{**GOOD, "text": f"Asthma {n % 10}."} for n in range(30)]
    rows += [{**row, "spans": []} for row in rows[:3]]
    train = write(tmp_path / "train.jsonl", rows)
    account, rejected, docs = preprocess(tmp_path, train)
    assert (len(docs["train"]), account["ignored"]) == (10, {"duplicate": 20})
    assert [row["other"]["line"] for row in rejected] == [1, 2, 3]


def test_any_number_of_processes_gives_the_same_bytes(tmp_path, monkeypatch):
    monkeypatch.setattr("scripts.docs.FILE_SIZE", 7)
    ends = ("common", "rare", "found everywhere in the world", "cured")
    texts = [f"Asthma number {n // 3} is {ends[n % 4]}." for n in range(200)]
    rows = [{"text": text, "spans": [ASTHMA]} for text in texts]
    rows[20]["spans"] = rows[130]["spans"] = [{**ASTHMA, "end": 5}]
    rows[60]["text"] = rows[140]["text"] = rows[10]["text"]
    rows[150] = {"text": rows[30]["text"], "spans": []}
    train = write(tmp_path / "train.jsonl", rows)
    made = {}
    for n_process in (1, 3):
        preprocess(tmp_path, train, dev="", test="", n_process=n_process)
        files = [path for path in tmp_path.rglob("*") if path.is_file()]
        made[n_process] = {path: path.read_bytes() for path in files}
    assert made[1] == made[3]
    account = srsly.read_json(tmp_path / "account.json")
    assert account["ignored"] == {"duplicate": 2}
    assert account["rows"]["rejected"] == 3
    assert account["near"]["rows"] == len(account["near"]["first"]) > 0


@pytest.mark.data
def test_real_export_goes_in_whole(tmp_path):
    drugs = DATA / "drugs"
    account, rejected, docs = preprocess(
        tmp_path, str(drugs / "train.jsonl"), test=str(drugs / "dev.jsonl")
    )
    assert rejected == []
    counts = {name: sum(len(d.ents) for d in split) for name, split in docs.items()}
    assert {name: len(split) for name, split in docs.items()} == {
        "train": 1477,
        "test": 500,
    }
    assert counts == {"train": 1105, "test": 362}
    assert account["rows"]["kept"] == 1977


def test_must_pass_sentences_are_a_set_of_their_own_and_never_trained_on(tmp_path):
    rows = [{"text": f"Flu number {n}.", "spans": [[0, 3, "D"]]} for n in range(40)]
    srsly.write_jsonl(tmp_path / "train.jsonl", rows)
    must = [
        {"text": "Omsk has flu.", "spans": [[9, 12, "D"]]},
        {"text": "Perm has none.", "spans": [[0, 4, "D"]], "answer": "reject"},
    ]
    srsly.write_jsonl(tmp_path / "must.jsonl", must)

    def run():
        files = {"account_path": tmp_path / "a.json", "rejected_path": tmp_path / "r"}
        paths = (str(tmp_path / f"{name}.jsonl") for name in ("train", "must"))
        train, must_pass = paths
        sets = {"dev": "", "test": "", "must_pass": must_pass}
        main(train, tmp_path / "out", base="blank:en", **sets, **files)

    run()
    first, second = read_docs(tmp_path / "out" / "must_pass")
    assert [(ent.text, ent.label_) for ent in first.ents] == [("flu", "D")]
    assert not second.ents
    assert [span.text for span in second.spans[INCORRECT]] == ["Perm"]
    account = srsly.read_json(tmp_path / "a.json")
    assert account["rows"]["in"] == 40 and account["must_pass"]["rows"]["kept"] == 2
    srsly.write_jsonl(tmp_path / "must.jsonl", [{"text": "Nothing is marked."}])
    with pytest.raises(ValueError, match=r"must\.jsonl has nothing that must pass: "):
        run()
    srsly.write_jsonl(tmp_path / "must.jsonl", [*must, rows[0]])
    with pytest.raises(
        ValueError, match=r"must-pass sentences .* on: \S*train\.jsonl:1\."
    ):
        run()
