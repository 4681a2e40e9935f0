"""What users of annotation tools stumble over, by kind, with its siblings.

Each case is a file as a tool writes it, and what becomes of it: the entities of each
doc, or the message. `test_faults.py` has what is broken in it.
"""

import gzip
import io
import json
from zipfile import ZIP_DEFLATED, ZipFile

import pytest
import spacy
import srsly
from spacy.tokens import DocBin

from scripts.annotations import archive
from scripts.docs import read_docs
from scripts.preprocess import main
from scripts.scale import storage

ADA = {"start": 0, "end": 3, "label": "PER"}
BOB = {"start": 8, "end": 11, "label": "ORG"}
TEXT = "Ada met Bob"
ROW = {"text": TEXT, "spans": [ADA]}
MARKED = {"start": 0, "end": 3, "text": "Ada", "labels": ["PER"]}
MARKS = {"type": "labels", "value": MARKED}
PROPOSED = {"text": TEXT, "answer": "accept"}


def lines(*rows) -> bytes:
    return "\n".join(map(json.dumps, rows)).encode()


def task(text: str, *results) -> dict:
    return {"data": {"text": text}, "annotations": [{"result": list(results)}]}


def result(kind: str, **value) -> dict:
    return {"id": "r", "type": kind, "value": value}


def zipped(files: dict[str, bytes | str]) -> bytes:
    content = io.BytesIO()
    with ZipFile(content, "w", ZIP_DEFLATED) as packed:
        for name, text in files.items():
            packed.writestr(name, text)
    return content.getvalue()


def convert(folder, content, **flags):
    """Convert a file, or the files of a folder; returns the docs and the account."""
    path = folder / "in"
    if isinstance(content, dict):
        path.mkdir()
        for name, text in content.items():
            (path / name).write_text(text)
    else:
        path.write_bytes(content)
    paths = {f"{n}_path": folder / f"{n}.json" for n in ("account", "rejected")}
    main(str(path), folder / "out", **{"base": "blank:en", **paths, **flags})
    account = srsly.read_json(paths["account_path"])
    for kinds in (account["rows"], account["spans"]):
        assert kinds["in"] == sum(kinds.values()) - kinds["in"]
    return [*read_docs(folder / "out" / "train", spacy.blank("en").vocab)], account


def show(docs) -> list[str]:
    """Show each doc by its entities; `?` if some of it was not annotated."""
    return [
        ", ".join(f"{ent.text}/{ent.label_}" for ent in doc.ents)
        + "?" * any(token.ent_iob == 0 for token in doc)
        for doc in docs
    ]


def doc_bin() -> bytes:
    doc = spacy.blank("en")(TEXT)
    doc.spans["sc"] = [doc.char_span(0, 3, "PER")]
    return DocBin(docs=[doc], store_user_data=True).to_bytes()


READ = {
    "columns: GermEval, with an address as a comment": (
        b"#\thttp://x.org [2009]\n1\tAda\tB-PER\tB-ORG\n2\tmet\tO\tO\n",
        ["Ada/PER"],
    ),
    "columns: UNER, with the annotator at the end": (
        b"# text = A - or O\n1\tAda\tB-PER\t-\tx\n2\tmet\tO\t-\tx\n\n1\tO\tO\t-\tx\n",
        ["Ada/PER", ""],
    ),
    "columns: WikiNEuRal counts from 0": (b"0\tAda\tB-PER\n1\tmet\tO\n", ["Ada/PER"]),
    "columns: numbers and spaces": (b"1 Ada B-PER\n2 met O\n", ["Ada/PER"]),
    "columns: sentences that are a number": (
        b"1 CD O\n\n2 CD O\n\nAda NN B-PER\nmet VB O\n",
        ["", "", "Ada/PER"],
    ),
    "columns: a token with a space in it": (
        b"New York NNP B-GPE\nhas VB O\n1 000 CD O\nfans NN O\n",
        ["New York/GPE"],
    ),
    "columns: a label with a space in it": (
        b"Ada\tB-Person Name\nmet\tO\n",
        ["Ada/Person Name"],
    ),
    "span answers": (
        lines({"text": TEXT, "spans": [ADA, {**BOB, "answer": "reject"}]}),
        ["Ada/PER"],
    ),
    "span answers: one was skipped": (
        lines({**PROPOSED, "spans": [ADA, {**BOB, "answer": "ignore"}]}),
        ["Ada/PER?"],
    ),
    "a proposal without a view": (
        lines({**PROPOSED, "spans": [{**ADA, "score": 0.7}]}),
        ["Ada/PER?"],
    ),
    "proposals about one text": (
        lines(
            {**PROPOSED, "spans": [{**ADA, "score": 0.7}]},
            {**PROPOSED, "spans": [{**BOB, "score": 0.4}]},
            {**PROPOSED, "spans": [{**BOB, "score": 0.4}]},
            {**PROPOSED, "answer": "reject", "spans": [{**BOB, "label": "GPE"}]},
        ),
        ["Ada/PER, Bob/ORG?"],
    ),
    "no proposal: there are tokens to choose from": (
        lines({**PROPOSED, "spans": [{**ADA, "score": 0.7}], "tokens": []}),
        ["Ada/PER"],
    ),
    "a label of the text beside spans": (
        lines({**ROW, "label": "PER", "answer": "accept"}),
        ["Ada/PER"],
    ),
    "tags beside the text": (
        lines(
            {"id": 1, "text": "Ada met", "tokens": ["Ada"], "ner_tags": ["B-PER"]},
            {"id": 1, "text": "x", "tokens": ["x"], "ner_tags": ["B-A"], "label": 1},
        ),
        ["Ada/PER", "x/A"],
    ),
    "tags under another key": (
        lines({"tokens": ["Ada", "met"], "labels": ["B-PER", "O"]}),
        ["Ada/PER"],
    ),
    "a wrapper": (
        lines({"version": 1, "data": [ROW, {"text": "No"}]}),
        ["Ada/PER", ""],
    ),
    "paragraphs in documents": (
        lines(
            {
                "paragraphs": [
                    {"sentences": [{"tokens": [{"orth": "Ada", "ner": "U-PER"}]}]},
                    {"raw": "So", "sentences": [{"tokens": [{"orth": "So"}]}]},
                ]
            }
        ),
        ["Ada/PER", "?"],
    ),
    "spans in a list in an object": (
        lines({"text": TEXT, "annotations": {"entities": [[0, 3, "PER"]]}}),
        ["Ada/PER"],
    ),
    "a group in a .spacy file": (doc_bin(), ["Ada/PER"]),
    "an empty group beside": (
        lines({"text": TEXT, "spans": {"sc": [ADA], "other": []}}),
        ["Ada/PER"],
    ),
    "a region with notes": (
        json.dumps(
            [
                task(
                    TEXT,
                    result("labels", **MARKED),
                    result("rating", start=0, end=3, rating=4),
                    result("choices", start=0, end=3, choices=["x"]),
                )
            ]
        ).encode(),
        ["Ada/PER"],
    ),
    "an address that was marked": (
        lines({"text": "https://x.org", "spans": [[0, 13, "URL"]]}),
        ["https://x.org/URL"],
    ),
    "answers of spans in a group": (
        lines(
            {
                "text": TEXT,
                "spans": {"sc": [{**ADA, "answer": "reject"}, {**BOB}]},
            }
        ),
        ["Bob/ORG"],
    ),
    "null under other keys": (
        lines({"text": TEXT, "spans": [ADA], "entities": None, "label": None}),
        ["Ada/PER"],
    ),
    "comments beside the annotations of a task": (
        lines({**task(TEXT, MARKS), "comments": [{"text": "please check"}]}),
        ["Ada/PER"],
    ),
    "a comment that is a link": (
        lines(ROW, {"text": "https://x.org/a.jpg", "spans": []}),
        ["Ada/PER", ""],
    ),
    "text under sentence": (lines({"sentence": TEXT, "spans": [ADA]}), ["Ada/PER"]),
    "a zip of several formats": (
        zipped(
            {
                "x/a.jsonl": lines(ROW),
                "x/deep/b.ann": "T1\tPerson Name 0 3\tAda\n",
                "x/deep/b.txt": "Ada came",
                "__MACOSX/x/._a.jsonl": b"\0\5\x16\7",
                ".DS_Store": b"\0",
            }
        ),
        ["Ada/PER", "Ada/Person Name"],
    ),
}


@pytest.mark.parametrize("name", READ)
def test_export_is_read_as_its_tool_means_it(tmp_path, name):
    content, wanted = READ[name]
    docs, account = convert(tmp_path, content)
    assert show(docs) == wanted
    assert account["rows"]["rejected"] == 0
    assert account["rows"]["in"] == len(docs) + account["rows"]["ignored"]
    n_merged = account["ignored"].get("merged with another row of the text", 0)
    assert account["rows"]["ignored"] == n_merged


OTHER_ROWS = {
    "interface choice, which marks no spans": [
        {**PROPOSED, "_view_id": "choice", "spans": [BOB]},
        {**PROPOSED, "options": [{"id": 1}], "accept": [1]},
    ],
    "a label of the whole text, not of spans": [
        {**PROPOSED, "label": "POS"},
        {"id": 1, "text": TEXT, "label": ["positive"]},
        {"text": TEXT, "label": 1},
    ],
    "marks no spans, but the whole text": [
        task(TEXT, result("choices", choices=["x"]))
    ],
    "predictions only": [
        {"data": {"text": TEXT}, "annotations": [], "predictions": [{"result": []}]},
        {"text": TEXT, "annotation": None, "prediction": [["PER", 0, 3]]},
    ],
    "not annotated": [{"text": TEXT, "annotation": "positive"}],
    "not annotated, and another row of the text is": [{"text": ROW["text"]}],
}


@pytest.mark.parametrize("reason", OTHER_ROWS)
def test_row_that_says_nothing_of_entities_is_ignored_and_alone_is_the_cause(
    tmp_path, reason
):
    rows = OTHER_ROWS[reason]
    docs, account = convert(tmp_path, lines(*rows, ROW))
    assert (show(docs), account["ignored"]) == (["Ada/PER"], {reason: len(rows)})
    if "another" not in reason:
        (tmp_path / "in").unlink()
        with pytest.raises(ValueError, match=f"were ignored: {reason}"):
            convert(tmp_path, lines(*rows))


@pytest.mark.parametrize(
    "content, note",
    [
        (lines({"text": TEXT, "spans": {"sc": [ADA]}}), "spans of the group 'sc'"),
        (lines({**ROW, "spans": {"x": [ADA]}, "answer": "accept"}), "the group 'x'"),
    ],
)
def test_what_was_chosen_is_said(tmp_path, capsys, content, note):
    try:
        _, account = convert(tmp_path, content)
        assert [*account["notes"].values()] == [1]
    finally:
        out = capsys.readouterr().out
    assert note in out


def test_files_beside_brat_s_are_passed_over_and_said(tmp_path, capsys):
    files = {"a.ann": "T1\tPER 0 3\tAda\n", "a.txt": TEXT, "b.txt": "Not annotated."}
    others = {"README.txt": "x", "LICENSE": "x", "annotation.conf": "x", "a.ann~": "x"}
    docs, account = convert(tmp_path, {**files, **others})
    assert (show(docs), account["rows"]["in"]) == (["Ada/PER"], 1)
    assert len(account["passed_over"]) == 5
    assert "5 files without annotations passed over: " in capsys.readouterr().out


@pytest.mark.parametrize(
    "ann, wanted",
    [
        ("T1\tORG 4 8;9 14\tAcme Tools\n", "Acme\nTools/ORG"),
        ("T1\tORG 4 8;15 19\n", ""),
    ],
)
def test_span_that_a_line_end_breaks_is_one_span(tmp_path, ann, wanted):
    files = {"a.ann": ann, "a.txt": "The Acme\nTools shop", "b.ann": "T1\tPER 0 3\tAda"}
    docs, _ = convert(tmp_path, {**files, "b.txt": TEXT}, max_rejected=1.0)
    assert show(docs) == [wanted] * bool(wanted) + ["Ada/PER"]


@pytest.mark.parametrize("start", ["-DOCSTART- -X- O\n\n", "# newdoc id = a\n"])
def test_one_document_mark_for_a_whole_file_does_not_prevent_a_split(tmp_path, start):
    sentences = "".join(f"Ada B-PER\nmet O\nn{n} O\n\n" for n in range(20))
    convert(tmp_path, f"{start}{sentences}".encode(), dev="", test="")
    (tmp_path / "in").unlink()
    two = start + sentences.replace("n5 O\n\n", f"n5 O\n\n{start}")
    _, account = convert(tmp_path, two.encode(), dev="", test=None)
    assert {*account["docs"].values()} == {6, 14}


REFUSED = {
    "the text is an address": [
        {**ROW, "text": "https://x.org/a.txt", "spans": [[90, 99, "PER"]]},
        {"annotation_id": 1, "text": "/data/upload/1/a.txt", "label": []},
        {"text": "s3://bucket/a.txt"},
    ],
    "no text: name its key 'text', the keys are": [
        {"title": "x", "headline": TEXT, "spans": [ADA]},
        {"content": TEXT, "body": TEXT, "spans": [ADA]},
    ],
    "a label is not a name: 3, export its name": [
        {"text": TEXT, "annotations": [{**ADA, "label": 3}]}
    ],
    "spans in several groups: \\['a', 'b'\\], keep one": [
        {"text": TEXT, "spans": {"a": [ADA], "b": [ADA]}}
    ],
    "spans under a key that is not one of .*: 'ner'": [
        {"text": TEXT, "ner": [{"begin": 0, "end": 3, "type": "PER"}]},
        {"text": TEXT, "ner": [["PER", 0, 3]]},
    ],
    "the same text with other spans: .*; see --no-merge": [{**ROW, "spans": [BOB]}],
    "; see --offsets": [{**ROW, "spans": [[0, 99, "PER"]]}],
    "not a list of reasons": [{**ROW, "ignored": ["\x1b[31m"]}],
}


@pytest.mark.parametrize("reason", REFUSED)
def test_refusal_says_the_reason_in_full(tmp_path, reason):
    for row in REFUSED[reason]:
        with pytest.raises(ValueError, match=rf"The first is .*in:2: .*{reason}"):
            convert(tmp_path, lines(ROW, row))


def test_one_document_or_text_is_named_as_the_cause(tmp_path):
    rows = [{**ROW, "text": f"Ada {n}", "doc_id": "x"} for n in range(20)]
    with pytest.raises(
        ValueError, match=r"one text or document.*vars\.dev and vars\.t"
    ):
        convert(tmp_path, lines(*rows), dev="", test="")


@pytest.mark.parametrize(
    "rows, flags, cause",
    [
        ([{"text": TEXT}], {}, "none of its 1 rows has a span under spans, entities"),
        ([{"text": TEXT}], {"dev": "", "test": ""}, "none of its 1 rows has a span"),
        (
            [ROW],
            {"annotated_labels": "X, Y"},
            "PER, not looked for .*--annotated-labels",
        ),
        (
            [{**ROW, "spans": [7]}],
            {"max_rejected": 1.0},
            "1 of 1 rows were rejected, fir",
        ),
    ],
)
def test_cause_of_no_annotation_is_named(tmp_path, rows, flags, cause):
    with pytest.raises(
        ValueError, match=f"in has no annotation of any label: .*{cause}"
    ):
        convert(tmp_path, lines(*rows), **flags)


BOMB = zipped({"a.jsonl": b" " * (archive.HARMLESS * 2)})
ZIPS = {
    "is a zip in an archive: unpack it once": zipped({"a.zip": zipped({"a": b"{}"})}),
    "is an Office file: export JSON Lines": zipped({"[Content_Types].xml": "<x/>"}),
    "a.csv is CSV: export JSON Lines": zipped({"a.csv": "id,text\n1,Flu\n"}),
    "times its size: unpack it yourself": BOMB,
    "has an odd name: give the folder": zipped({"../../a.jsonl": lines(ROW)}),
    "'a.x1b.jsonl' is a link or has an odd name": zipped({"a\x1b.jsonl": lines(ROW)}),
    "is not a complete zip file": zipped({"a.jsonl": lines(ROW)})[:-9],
    "in/a.jsonl is UTF-16: save it": zipped({"a.jsonl": "{}".encode("utf-16")}),
    "has no annotation of any label: it is empty": zipped({}),
}


@pytest.mark.parametrize("message", ZIPS)
def test_zip_that_is_not_read_is_named_with_its_member(tmp_path, message):
    with pytest.raises(ValueError, match=message):
        convert(tmp_path, ZIPS[message])
    assert {path.name for path in tmp_path.iterdir()} <= {
        *("in", "account.json", "rejected.json")
    }


def test_encrypted_or_damaged_member_is_named(tmp_path):
    content = bytearray(zipped({"a.jsonl": lines(ROW)}))
    at = content.index(b"PK\1\2") + 8
    content[at] |= 1
    with pytest.raises(ValueError, match=r"'a\.jsonl' is encrypted: unpack it"):
        convert(tmp_path, bytes(content))
    content[at] ^= 1
    content[content.index(b"a.jsonl") + len("a.jsonl")] ^= 255
    with pytest.raises(ValueError, match=r"in/a\.jsonl is not a complete zip file"):
        convert(tmp_path, bytes(content))


def test_few_bytes_do_not_fill_the_memory(tmp_path, monkeypatch):
    monkeypatch.setattr(storage, "MAX_SIZE", 1 << 20)
    with pytest.raises(ValueError, match="in holds more than"):
        convert(tmp_path, gzip.compress(b" " * (1 << 21)))


MAPPED = [
    (["PER=PERSON"], ["Ada/PERSON, Bob/ORG"], {"--map PER=PERSON": 1}, {}),
    (["ORG=PER"], ["Ada/PER, Bob/PER"], {"--map ORG=PER": 1}, {}),
    (["ORG="], ["Ada/PER"], {"--map ORG=": 1}, {"ORG, dropped by --map": 1}),
    (["PER=ORG", "ORG=PER"], ["Ada/ORG, Bob/PER"], None, {}),
]


@pytest.mark.parametrize("label_map, wanted, notes, ignored", MAPPED)
def test_labels_are_renamed_merged_or_dropped(
    tmp_path, label_map, wanted, notes, ignored
):
    row = {**ROW, "spans": [ADA, BOB]}
    docs, account = convert(tmp_path, lines(row), label_map=label_map)
    assert (show(docs), account["ignored"]) == (wanted, ignored)
    assert notes is None or account["notes"] == notes
    assert account["spans"]["ignored"] == len(ignored)
    assert account["rows"]["kept"] == 1


@pytest.mark.parametrize(
    "label", ["$x", "!A", "A\nB", " A", "\x1b[31m", "\ud83d", ""], ids=ascii
)
def test_label_that_cannot_be_learned_names_the_flag_that_renames_it(tmp_path, label):
    row = {"text": TEXT, "spans": [{**ADA, "label": label}], "wrong": [BOB]}
    with pytest.raises(ValueError, match=r"cannot learn: .*; see --map") as refused:
        convert(tmp_path, lines(row))
    assert str(refused.value).isprintable()
    if label.isprintable() and label:
        docs, _ = convert(tmp_path, lines(row), label_map=[f"{label}=A B"])
        assert show(docs) == ["Ada/A B"]
        assert docs[0].spans["incorrect_spans"][0].label_ == "ORG"


@pytest.mark.parametrize(
    "pair, message",
    [
        ("X=Y", "--map X=Y: no span has that label, the labels are ORG, PER"),
        ("PER", "--map PER: write OLD=NEW, or OLD= to drop OLD"),
        ("=PER", "--map =PER: write OLD=NEW"),
        ("PER=a$b", "cannot learn: 'a\\$b'; see --map"),
    ],
)
def test_map_that_cannot_be_is_an_error(tmp_path, pair, message):
    with pytest.raises(ValueError, match=message):
        convert(tmp_path, lines({**ROW, "spans": [ADA, BOB]}), label_map=[pair])


def test_label_of_several_words_can_be_looked_for(tmp_path):
    spans = [{**ADA, "label": "Person Name"}, BOB]
    flags = {"annotated_labels": "Person Name, City"}
    docs, account = convert(tmp_path, lines({**ROW, "spans": spans}), **flags)
    assert show(docs) == ["Ada/Person Name"]
    assert account["labels"] == ["Person Name", "City"]
