from pathlib import Path

import pytest
import spacy
import srsly
from conftest import TEXTS

from scripts.annotations.align import Options, annotate
from scripts.annotations.formats import parse_row
from scripts.annotations.records import Row
from scripts.components import KINDS
from scripts.docs import count_docs, read_docs, write_docs
from scripts.rehearse import main
from scripts.scale.shards import finished_shards


def doc_with(nlp, text, *ents):
    doc = nlp.make_doc(text)
    doc.ents = [doc.char_span(start, end, label) for start, end, label in ents]
    return doc


def rehearse(
    base, folder, raw, old_test=None, annotations=(), corrections=(), earlier=()
):
    folder.mkdir(exist_ok=True)
    base.to_disk(folder / "base")
    for name, text in (("train", "Flu"), ("dev", "Gout"), ("test", "Rabies")):
        doc = doc_with(base, f"{text} in Lima.", (0, len(text), "DISEASE"))
        write_docs([doc], folder / "annotations" / name / "00000.spacy")
    for number, docs in enumerate(annotations):
        write_docs(docs, folder / "annotations" / "train" / f"{number:05}.spacy")
    for name in ("train", "dev", "test") if corrections else ():
        write_docs(corrections, folder / "annotations" / name / "00000.spacy")
    if old_test:
        docs = [doc_with(base, old_test)]
        write_docs(docs, folder / "annotations" / "old_test" / "00000.spacy")
    labels = sorted({e.label_ for doc in corrections for e in doc.ents}) or ["DISEASE"]
    account = {"labels": labels, "copies": ["dev", "test"] if corrections else []}
    account["new_labels"] = []
    rounds = {"one": ["GPE"]} if earlier else {}
    names = ("earlier_1_train", "earlier_1_test") if earlier else ()
    for name, doc in zip(names, earlier, strict=True):
        write_docs([doc], folder / "annotations" / name / "00000.spacy")
    account["earlier"] = {"rounds": rounds, "docs": dict.fromkeys(names, 1)}
    srsly.write_json(folder / "preprocess.json", account)
    srsly.write_jsonl(folder / "raw.jsonl", [{"text": text} for text in raw])
    main(
        folder / "base",
        folder / "annotations",
        str(folder / "raw.jsonl"),
        folder / "preprocess.json",
        folder / "update",
        str(folder / "rehearsal"),
        account_path=folder / "account.json",
        completed_path=folder / "completed.jsonl",
    )
    return {
        path.name: list(read_docs(path, base.vocab))
        for path in (*(folder / "update").iterdir(), folder / "rehearsal")
    }


@pytest.mark.parametrize("rehearsal", ["", ".", "corpus/.."])
def test_rehearsal_docs_in_the_project_itself_are_refused(
    tmp_path, monkeypatch, rehearsal
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "corpus").mkdir()
    with pytest.raises(
        ValueError, match=r"vars\.rehearsal is '.*', the project itself"
    ):
        main(*map(Path, ("base", "corpus")), "raw.jsonl", *map(Path, "ab"), rehearsal)
    assert [path.name for path in tmp_path.iterdir()] == ["corpus"]


RAW = [f"Anna Berg flew to Oslo {i} times." for i in range(60)]


def test_rehearsal_text_never_holds_an_annotated_text_nor_one_twice(base, tmp_path):
    seen = ["Flu in Lima.", " gout  in LIMA. ", "Rabies in Lima.", "Old gold."]
    docs = rehearse(base, tmp_path, [*seen, *RAW, *RAW], old_test="Old gold.")
    texts = [doc.text for doc in docs["rehearsal"]]
    assert len(texts) == len(set(texts))
    held_out = {doc.text for doc in docs["dev"]}
    assert set(texts) == set(RAW) - held_out


def test_train_and_dev_are_completed_and_test_is_left_as_it_was(base, tmp_path):
    docs = rehearse(base, tmp_path, RAW)
    sets = ("train", "dev", "test")
    labels = {name: {e.label_ for e in docs[name][0].ents} for name in sets}
    assert docs["earlier"] == []
    assert labels["train"] == labels["dev"] == {"DISEASE", "GPE"}
    assert labels["test"] == {"DISEASE"}


def test_what_the_base_added_is_written_in_rows_that_can_be_fed_back(base, tmp_path):
    docs = rehearse(base, tmp_path, RAW)
    rows = list(srsly.read_jsonl(tmp_path / "completed.jsonl"))
    sources = {(s["label"], s["source"]) for row in rows for s in row["spans"]}
    assert sources == {("DISEASE", "person"), ("GPE", "base")}
    for row, doc in zip(rows, [docs["train"][0], docs["dev"][0]], strict=True):
        row = parse_row(Row("completed.jsonl", 1, row), "plain")
        again = base.make_doc(row.record.text)
        annotate(again, row, Options(), KINDS["ner"])
        assert doc.to_json()["ents"] == again.to_json()["ents"]


def test_corrections_are_completed_in_train_and_dev_and_written_once(base, tmp_path):
    corrections = [doc_with(base, "Juan Paz likes Flu.", (15, 18, "GPE"))]
    docs = rehearse(base, tmp_path, RAW, corrections=corrections)
    for name in ("train", "dev"):
        ents = {(ent.text, ent.label_) for ent in docs[name][0].ents}
        assert ents == {("Juan Paz", "PERSON"), ("Flu", "GPE")}
    assert [ent.text for ent in docs["test"][0].ents] == ["Flu"]
    rows = list(srsly.read_jsonl(tmp_path / "completed.jsonl"))
    assert [row["text"] for row in rows] == ["Juan Paz likes Flu."]
    assert srsly.read_json(tmp_path / "account.json")["completed"] == 1
    # The base finds nothing in Flu, and that it calls Juan Paz a PERSON is no matter.
    assert srsly.read_json(tmp_path / "account.json")["base_calls_them"] == {}


def test_account_says_what_the_base_calls_the_annotations_and_what_was_carved(
    base, tmp_path, capsys
):
    paz, oslo = (0, 8), (14, 18)

    def unknown(label, n):
        text = "Nothing happened in the office today."
        return [doc_with(base, text, (24, 30, label)) for _ in range(n)]

    left = "Juan Paz left Oslo."
    docs = [doc_with(base, left, (*paz, "POLITICIAN"), (*oslo, "GPE"))] * 2
    # One of twenty is enough to be carved out of a label, one of 21 is not.
    docs += [*unknown("CITY", 19), doc_with(base, left, (*oslo, "CITY"))]
    docs += [*unknown("TOWN", 20), doc_with(base, left, (*oslo, "TOWN"))]
    rehearse(base, tmp_path, RAW, annotations=[docs])
    account = srsly.read_json(tmp_path / "account.json")
    assert account["annotations"] == 45
    # The two that the base calls GPE, as the person does, are not counted.
    assert account["base_calls_them"] == {"PERSON": 2, "GPE": 2}
    carved = {"CITY": ["GPE"], "GPE": [], "POLITICIAN": ["PERSON"], "TOWN": []}
    assert account["carved"] == carved
    out = capsys.readouterr().out
    assert "Of 45 annotations the base calls 2 PERSON, 2 GPE." in out


def test_an_annotation_over_two_entities_is_called_both_names(base, tmp_path):
    docs = [doc_with(base, "Juan Paz left Oslo.", (0, 18, "EVENT"))]
    rehearse(base, tmp_path, RAW, annotations=[docs])
    account = srsly.read_json(tmp_path / "account.json")
    assert account["annotations"] == 1
    assert account["base_calls_them"] == {"GPE": 1, "PERSON": 1}
    assert account["carved"] == {"EVENT": ["GPE", "PERSON"]}


def test_old_test_is_held_out_of_the_raw_text_where_there_is_no_gold(base, tmp_path):
    docs = rehearse(base, tmp_path, RAW)
    old = {doc.text for doc in docs["old_test"]}
    assert old and old < set(RAW)
    assert old.isdisjoint(doc.text for doc in docs["rehearsal"])
    assert old.isdisjoint(doc.text for doc in docs["dev"])
    assert not srsly.read_json(tmp_path / "account.json")["old_test_is_gold"]


def test_annotations_of_many_files_are_completed_like_those_of_one(
    base, tmp_path, monkeypatch
):
    one = rehearse(base, tmp_path / "one", RAW)
    monkeypatch.setattr("scripts.docs.FILE_SIZE", 2)
    many = rehearse(base, tmp_path / "many", RAW)
    assert len(list((tmp_path / "many" / "update" / "dev").iterdir())) > 1
    for name in one:
        assert [d.to_json() for d in one[name]] == [d.to_json() for d in many[name]]


def test_a_file_of_annotations_may_go_on_behind_the_end_of_a_memory_zone(
    base, tmp_path, monkeypatch
):
    def words(number):
        return [doc_with(base, f"Flu{number}-{i} in Lima.") for i in range(3)]

    # First, while the base knows none of the words.
    with monkeypatch.context() as patch:
        patch.setattr("scripts.docs.FILE_SIZE", 4)
        patch.setattr("scripts.scale.pipelines.MAX_VOCAB", 0)
        many = rehearse(base, tmp_path / "many", RAW, annotations=map(words, range(4)))
    one = rehearse(base, tmp_path / "one", RAW, annotations=map(words, range(4)))
    assert [d.to_json() for d in one["train"]] == [d.to_json() for d in many["train"]]
    assert len(one["train"]) == 12


def test_dev_says_which_docs_are_rehearsal(base, tmp_path):
    docs = rehearse(base, tmp_path, RAW, old_test="Old gold.")
    marked = ["rehearsal" in doc.cats for doc in docs["dev"]]
    assert marked == [False] + [True] * (len(marked) - 1)
    assert len(marked) > 1


def test_an_annotated_text_is_known_though_a_raw_one_is_cut(base, tmp_path):
    long = " ".join(f"Anna Berg flew to Oslo {i} times." for i in range(100))
    docs = rehearse(base, tmp_path, [*RAW, long], old_test=long)
    texts = {doc.text for name in ("rehearsal", "dev") for doc in docs[name]}
    assert not [text for text in texts if text in long and len(text) > 40]


def test_account_knows_the_docs_by_their_manifest(base, tmp_path):
    manifests = set()
    base.to_disk(tmp_path / "base")
    for name, texts in (("one", RAW), ("same", RAW), ("other", [*RAW[1:], "Go."])):
        # Loaded again: a base that has learned words is another one.
        rehearse(spacy.load(tmp_path / "base"), tmp_path / name, texts)
        account = srsly.read_json(tmp_path / name / "account.json")
        files = finished_shards(tmp_path / name / "rehearsal", account["manifest"])
        assert sum(map(count_docs, files)) == account["rehearsal"]
        manifests.add(account["manifest"])
    assert len(manifests) == 2


def test_error_about_too_little_text_counts_what_was_left_out(base, tmp_path):
    german = "Das ist nicht das, was wir von ihr in der Stadt erwartet haben."
    with pytest.raises(ValueError, match=r"0 are known or repeated, 1 are in another"):
        rehearse(base, tmp_path, [german])


def test_texts_that_are_left_out_are_counted(base, tmp_path):
    german = "Das ist nicht das, was wir von ihr in der Stadt erwartet haben."
    docs = rehearse(base, tmp_path, [*RAW, german, RAW[0], "Flu in Lima."])
    assert german not in {doc.text for name in docs for doc in docs[name]}
    account = srsly.read_json(tmp_path / "account.json")
    assert (account["foreign"], account["repeated"]) == (1, 2)


def test_too_little_raw_text_is_an_error_and_completes_nothing(base, tmp_path):
    with pytest.raises(ValueError, match=r"raw\.jsonl' has too little text: 0 new"):
        rehearse(base, tmp_path, ["Flu in Lima."])
    assert not (tmp_path / "update").exists()


def test_earlier_round_is_completed_but_for_its_own_labels(base, tmp_path):
    # A person says that Lima is no city here; nobody looked for people.
    person, city = (9, 17, "PERSON"), (14, 18, "GPE")
    earlier = [doc_with(base, TEXTS[1][0]), doc_with(base, TEXTS[4][0], city)]
    docs = rehearse(base, tmp_path, [*RAW, TEXTS[4][0]], earlier=earlier)
    [doc] = docs["earlier"]
    assert [(e.start_char, e.end_char, e.label_) for e in doc.ents] == [person]
    [test] = docs["earlier_1_test"]
    assert test.ents[0].label_ == "GPE"
    assert "earlier_1_train" not in docs
    # Its test is not among the rehearsal docs, though the raw text has it.
    assert TEXTS[4][0] not in {doc.text for doc in docs["rehearsal"]}
    facts = srsly.read_json(tmp_path / "account.json")["facts"]
    n_people = sum(e.label_ == "PERSON" for doc in docs["rehearsal"] for e in doc.ents)
    assert facts["PERSON"] == n_people + 1
