"""Malformed input, one case a line: its exact account, and that nothing is lost."""

import gzip
import json
import pickle
import re
import sys
from typing import Any, NamedTuple

import pytest
import spacy
import srsly
from spacy.tokens import DocBin

from scripts.annotations.offsets import Reading, Votes
from scripts.annotations.records import Record, Span
from scripts.command import run
from scripts.docs import read_docs
from scripts.preprocess import main

GOOD = {"text": "Influenza came back.", "spans": [[0, 9, "DISEASE"]]}
FLU = "Flu in Leeds"
LATIN = '{"text": "Flu naïve", "spans": []}'.encode("latin-1")
PNG = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x01\x00\x08\x02\x00\n\x90wS"


class Fault(NamedTuple):
    """Content, and exactly what it is converted to.

    Attributes:
        name: What is wrong.
        content: Bytes of a file, those of several by name, or a row.
        docs: The entities of each doc.
        why: A pattern for the reason of each row that is rejected.
        ignored: The number of rows, or spans, ignored for each reason.
        repairs: The number of spans repaired in each way.
        n_spans: The number of spans in.
        file: The file's name.
        is_bad_alone: Whether what was rejected is so again if fed back as it is.
        flags: Settings of the step.
    """

    name: str
    content: Any
    docs: tuple[str, ...] = ()
    why: tuple[str, ...] = ()
    ignored: dict[str, int] = {}  # noqa: RUF012
    repairs: dict[str, int] = {}  # noqa: RUF012
    n_spans: int = 0
    file: str = "faulty.jsonl"
    is_bad_alone: bool = True
    flags: dict[str, Any] = {}  # noqa: RUF012


def rejected(name: str, content: Any, *why: str, n_spans: int = 0, **other) -> Fault:
    return Fault(name, content, why=why, n_spans=n_spans, **other)


def taken(name: str, content: Any, *docs: str, n_spans: int = 1, **other) -> Fault:
    """Each doc is its entities, by semicolon."""
    return Fault(name, content, docs, n_spans=n_spans, **other)


def ignored(name: str, content: Any, why: str, n_spans: int = 0, **other) -> Fault:
    return Fault(name, content, ignored={why: 1}, n_spans=n_spans, **other)


def row(*spans, text: Any = FLU, **other) -> dict:
    return {"text": text, "spans": list(spans), **other}


def at(start: Any, end: Any, label: Any = "D", **other) -> dict:
    return {"start": start, "end": end, "label": label, **other}


def lines(*rows) -> bytes:
    return b"\n".join(r if isinstance(r, bytes) else encoded(r) for r in rows)


def encoded(value: Any) -> bytes:
    return json.dumps(value).encode()


def deep(n: int) -> bytes:
    return b'{"text": ' + b"[" * n + b"]" * n + b"}"


def task(*versions: Any, data: Any = None) -> dict:
    return {"data": data or {"text": FLU}, "annotations": list(versions)}


def result(*labels: str, **other) -> dict:
    value = {"start": 0, "end": 3, "text": "Flu", "labels": list(labels), **other}
    return {"type": "labels", "value": value}


def version(*results: Any, **other) -> dict:
    return {"result": list(results), **other}


def argilla(*responses: Any) -> dict:
    return {"fields": {"text": FLU}, "responses": {"ner": list(responses)}}


def doc_bin() -> bytes:
    doc = spacy.blank("en")(FLU)
    doc.ents = [doc.char_span(0, 3, "D")]
    return DocBin(docs=[doc]).to_bytes()


class Files(dict[str, bytes]):
    """The content of several files by name."""


def brat(ann: str, text: str | None = FLU) -> Files:
    texts = {} if text is None else {"a.txt": text.encode()}
    return Files({"a.ann": ann.encode(), **texts})


def tags(*lines: str) -> bytes:
    return "\n".join(lines).encode()


SPAN = at(0, 3)
ONE = row(SPAN)
SENT = {"status": "submitted", "value": [SPAN]}
TAGGED = {"tokens": ["Flu", "now"], "ner_tags": ["B-D", "O"]}
NO_JSON = "not JSON in UTF-8"
NO_OFFSETS = "not whole numbers"
NO_NAME = "a label is not a name"
NO_LABEL = "a label that spaCy cannot learn"
NO_JSON_LINES = "is not JSON Lines: line 1 is "

FILES = [
    rejected("broken JSON line", b'{"text": "Flu", ', NO_JSON),
    rejected("two objects in a line", encoded(ONE) * 2, NO_JSON),
    rejected("single quotes", b"{'text': 'Flu'}", NO_JSON),
    taken("BOM", b"\xef\xbb\xbf" + encoded(ONE), "Flu"),
    taken("BOM before a list", b"\xef\xbb\xbf" + encoded([ONE]), "Flu"),
    taken("CRLF lines", encoded(ONE) + b"\r\n\r\n", "Flu"),
    rejected("Latin-1", LATIN, NO_JSON),
    Fault("one Latin-1 line", lines(ONE, LATIN), ("Flu",), (NO_JSON,), n_spans=1),
    rejected("UTF-16 without BOM", encoded(ONE).decode().encode("utf-16-le"), NO_JSON),
    taken("gzip under any name", gzip.compress(encoded(ONE)), "Flu"),
    taken("empty file", b"", n_spans=0),
    taken("empty gzip", gzip.compress(b""), n_spans=0),
    taken("only blank lines", b"\n \n\r\n\t\n", n_spans=0),
    taken("lines of other space", "\u3000\n\u00a0\n\x1c\n".encode(), n_spans=0),
    taken("empty list", b"[]", n_spans=0),
    taken("empty .spacy", b"", n_spans=0, file="a.spacy"),
    taken("object over several lines", json.dumps(ONE, indent=1).encode(), "Flu"),
    rejected(
        "line of 20 MB",
        encoded(row(text="Flu " * 5_000_000)),
        "text too long",
    ),
    rejected("broken line of 20 MB", b'{"text": "' + b"Flu " * 5_000_000, NO_JSON),
    rejected("10,000 brackets in a line", deep(10_000), f"{NO_JSON}: .*depth"),
    rejected("1,000 brackets", deep(1000), "nested too deeply"),
    rejected("500 brackets in a list", b"[" + deep(500) + b"]", "nested too deeply"),
    rejected("90 brackets", deep(90), "no text"),
    taken("DocBin under any name", doc_bin(), "Flu"),
    rejected("row is null", b"null", "neither"),
    rejected("row is a number", b"7", "neither"),
    rejected("row is an empty object", b"{}", "no text"),
    rejected("row is a list", lines({"text": FLU}, [[1]]), "neither", docs=("",)),
]
OFFSETS = [
    rejected("NaN offset in a line", row(at(float("nan"), 3)), NO_JSON),
    rejected("NaN offset in a list", [row(at(float("nan"), 3))], NO_OFFSETS, n_spans=1),
    rejected("offsets as strings", row(at("0", "3")), NO_OFFSETS, n_spans=1),
    rejected("offsets as floats", row(at(0.0, 3.0)), NO_OFFSETS, n_spans=1),
    rejected("offsets as bools", row(at(False, True)), NO_OFFSETS, n_spans=1),
    rejected("offsets null", row(at(None, None)), NO_OFFSETS, n_spans=1),
    rejected("offsets missing", row({"label": "D"}), NO_OFFSETS, n_spans=1),
    rejected("infinite offset", row(at(0, 1e400)), NO_JSON),
    rejected("huge offset in a line", row(at(0, 10**30)), NO_JSON),
    rejected("huge offset in a list", [row(at(0, 10**30))], "outside", n_spans=1),
    rejected("number of 5,000 digits", b'{"text": 1' + b"0" * 5000 + b"}", NO_JSON),
    rejected("negative", row(at(-3, 3)), "outside the text: span -3:3", n_spans=1),
    rejected("reversed", row(at(3, 0)), "empty: span 3:0", n_spans=1),
    rejected("zero-length", row(at(3, 3)), "empty: span 3:3", n_spans=1),
    rejected("beyond the text", row(at(7, 13)), "of 12 characters", n_spans=1),
    rejected("inside a token", row(at(0, 2)), "nearest is 0:3 'Flu'", n_spans=1),
    rejected("only white space", row(at(3, 4)), "empty: span 3:4", n_spans=1),
    taken("space at its edges", row(at(3, 7)), "in", repairs={"trim": 1}),
    taken(
        "punctuation at its edges",
        row(at(0, 6), text="(Flu),"),
        "(Flu)",
        repairs={"trim": 1},
    ),
    rejected(
        "other text than its own",
        row(at(0, 3, text="Lee")),
        "offsets and text of a span differ",
        n_spans=1,
    ),
    taken(
        "same span twice", row(SPAN, SPAN), "Flu", repairs={"duplicate": 1}, n_spans=2
    ),
    rejected("overlap", row(at(0, 6), at(4, 12)), "overlap: 4:12", n_spans=2),
    rejected("nested", row(at(0, 12), SPAN), "overlap: 0:12", n_spans=2),
    rejected("two labels on one", row(SPAN, at(0, 3, "E")), "overlap", n_spans=2),
    taken(
        "overlap, the longest wins",
        row(at(0, 12), SPAN),
        FLU,
        n_spans=2,
        repairs={"overlap": 1},
        flags={"longest": True},
    ),
]
LABELS = [
    rejected("label null", row(at(0, 3, None)), f"{NO_NAME}: None", n_spans=1),
    rejected(
        "label a number", row(at(0, 3, 7)), f"{NO_NAME}: 7, export its name", n_spans=1
    ),
    rejected("label a list", row(at(0, 3, ["D"])), NO_NAME, n_spans=1),
    rejected(
        "label deep",
        row(at(0, 3, json.loads("[" * 90 + "]" * 90))),
        NO_NAME,
        n_spans=1,
    ),
    taken("label of two words", row(at(0, 3, "A B")), "Flu"),
    rejected("label empty", row(at(0, 3, "")), f"{NO_LABEL}: ''", n_spans=1),
    *(
        rejected(f"label {label!r}", row(at(0, 3, label)), NO_LABEL, n_spans=1)
        for label in [
            "A\n",
            "\ud83d",
            " A",
            "A  B",
            "A\tB",
            "!A",
            "$A",
            "A$",
            "A\x1b[1m",
        ]
    ),
    rejected(
        "label of 1 MB",
        row(at(0, 3, "A " * 500_000)),
        f"{NO_LABEL}: .{{,99}}; see --map$",
        n_spans=1,
    ),
]
SPANS = [
    rejected("spans null", row() | {"spans": None}, "the spans are not a list"),
    rejected("spans an object", row() | {"spans": SPAN}, "the spans are not a list"),
    rejected("spans a string", row() | {"spans": "[]"}, "the spans are not a list"),
    rejected("spans of numbers", row(0, 3), "not a span", n_spans=2),
    rejected("span of two", row([0, 3]), "not a span", n_spans=1),
    rejected("wrong no list", row(SPAN, wrong=7), "the spans are not a list"),
    rejected("an entity and none", row(SPAN, wrong=[SPAN]), "as wrong", n_spans=2),
    taken("no spans at all", {"text": FLU}, "", n_spans=0),
]
TEXTS = [
    rejected("text null", row(SPAN, text=None), "no text", n_spans=1),
    rejected("text a number", row(SPAN, text=7), "no text", n_spans=1),
    rejected("text a list", row(SPAN, text=["Flu"]), "no text", n_spans=1),
    rejected("text blank", row(text=" \t\n\u00a0"), "no text"),
    rejected("text missing", {"spans": [SPAN]}, "no text", n_spans=1),
    rejected("text half a pair", row(text="Flu \ud83d"), "half a UTF-16 pair"),
    taken("NUL in text", row(SPAN, text="Flu \0 in"), "Flu"),
    rejected(
        "text of 1,000,004 characters",
        row(SPAN, text="Flu " * 250_001),
        "text too long: 1000004 ",
        n_spans=1,
    ),
    ignored("same text twice, agreeing", lines(ONE, ONE), "duplicate")._replace(
        docs=("Flu",), n_spans=2
    ),
    rejected(
        "same text twice, conflicting",
        lines(ONE, row()),
        r"the same text with other spans: .*faulty\.jsonl:1",
        n_spans=1,
        docs=("Flu",),
        is_bad_alone=False,
    ),
    rejected(
        "same text twice in part, conflicting",
        lines(row(SPAN, partial=True), row(at(0, 3, "OTHER"), partial=True)),
        r"the same text with other spans: .*faulty\.jsonl:1",
        n_spans=2,
        docs=("Flu",),
        is_bad_alone=False,
    ),
    rejected(
        "same text twice in part, taken and rejected",
        lines(row(SPAN, partial=True), row(wrong=[SPAN], partial=True)),
        r"the same text with other spans: .*faulty\.jsonl:1",
        n_spans=2,
        docs=("Flu",),
        is_bad_alone=False,
    ),
    rejected(
        "same text, the first unusable",
        lines(row(at(0, 2)), ONE),
        "inside a token",
        n_spans=2,
        docs=("Flu",),
    ),
]
TOOLS = [
    rejected(
        "Prodigy, answer null",
        row(SPAN, answer=None),
        "accept, reject, ignore",
        n_spans=1,
    ),
    rejected(
        "Prodigy, answer unknown",
        row(SPAN, answer="x"),
        "the answer .*: 'x'",
        n_spans=1,
    ),
    ignored("Prodigy, reject, 0 spans", row(answer="reject"), "answer reject"),
    taken("Prodigy, reject, 1 span", row(SPAN, answer="reject"), ""),
    ignored(
        "Prodigy, reject, 2 spans",
        row(SPAN, at(7, 12), answer="reject"),
        "answer reject",
        n_spans=2,
    ),
    taken("Prodigy, tokens broken", row(SPAN, tokens=[7], answer="accept"), "Flu"),
    ignored("Label Studio, none", task(), "not annotated"),
    ignored(
        "Label Studio, all cancelled",
        task(version(result("D"), was_cancelled=True)),
        "cancelled",
    ),
    rejected(
        "Label Studio, two disagree",
        task(version(result("D")), version()),
        "annotators disagree: 2, mark one",
        n_spans=1,
    ),
    taken(
        "Label Studio, ground truth",
        task(version(result("D"), ground_truth=True), version()),
        "Flu",
    ),
    rejected(
        "Label Studio, no label", task(version(result())), "not one label", n_spans=1
    ),
    rejected(
        "Label Studio, two labels",
        task(version(result("D", "E"))),
        "not one label",
        n_spans=1,
    ),
    rejected(
        "Label Studio, HTML",
        task(version(result("D", start="/p[1]/text()[1]", end="/p[1]/text()[1]"))),
        r"not whole numbers: .*/p\[1\]",
        n_spans=1,
    ),
    rejected("Label Studio, no text", task(version(), data={"image": 7}), "no text"),
    rejected(
        "Label Studio, result null", task({"result": None}), "the result is not a list"
    ),
    rejected("Label Studio, annotations null", {**task(), "annotations": None}, "list"),
    rejected(
        "doccano without offsets",
        {"text": FLU, "entities": [{"label": "D"}], "relations": []},
        NO_OFFSETS,
        n_spans=1,
    ),
    taken(
        "doccano, entity a list",
        {"text": FLU, "entities": [[0, 3, "D"]], "relations": []},
        "Flu",
    ),
    ignored(
        "Argilla, discarded",
        {"text": FLU, "annotation": [["D", 0, 3]], "status": "Discarded"},
        "discarded",
    ),
    ignored("Argilla, draft", argilla({**SENT, "status": "draft"}), "not annotated"),
    ignored("Argilla, null", {"text": FLU, "annotation": None}, "not annotated"),
    rejected(
        "Argilla, responses a list", {**argilla(), "responses": [7]}, "not an object"
    ),
    rejected(
        "Argilla, question no list",
        {**argilla(), "responses": {"a": 7}},
        "'a' is not a list",
    ),
    rejected("Argilla, response a text", argilla("Flu"), "not an object with a value"),
    rejected(
        "Argilla, status a list", argilla({"status": ["x"]}), "spans are not a list"
    ),
    rejected("Argilla, column a number", {"text": FLU, "a.responses": 7}, "not a list"),
    rejected(
        "Argilla, two disagree", argilla(SENT, {"value": []}), "disagree", n_spans=1
    ),
    rejected(
        "tags too few", TAGGED | {"ner_tags": ["O"]}, "tokens and tags differ: 2 and 1"
    ),
    rejected("tags are numbers", TAGGED | {"ner_tags": [3, 0]}, "tags are not strings"),
    rejected("tags null", TAGGED | {"ner_tags": None}, "the tags are not a list"),
    rejected(
        "tag without B-", TAGGED | {"ner_tags": ["D", "O"]}, "not a tag such as O"
    ),
    rejected("tokens null", TAGGED | {"tokens": None}, "the tokens are not a list"),
    taken("tag I- at the start", TAGGED | {"ner_tags": ["I-D", "I-D"]}, "Flu now"),
    rejected("TRAIN_DATA without dict", ["Flu", None], "neither"),
]
COLUMNS = [
    rejected(
        "columns, line without tag",
        tags("Flu\tB-D", "in", "Leeds\tO", "", "Now\tO"),
        "no tag such as O or B-LABEL at the end of line 2",
        n_spans=2,
        docs=("",),
    ),
    taken("columns, I- at the start", tags("Flu I-D", "in O"), "Flu"),
    taken("columns, label changes", tags("A B-D", "b I-E"), "A;b", n_spans=2),
    taken("columns, comments", tags("# id 1", "Flu B-D", "# O O", "in O"), "Flu"),
    taken("columns, DOCSTART alone", tags("-DOCSTART-", "", "Flu B-D"), "Flu"),
    taken("columns, DOCSTART", tags("-DOCSTART- -X- O", "", "Flu B-D"), "Flu"),
    taken("columns, tabs", tags("Flu A\tNN\tB-D", "in\tIN\tO"), "Flu A"),
    taken("columns, spaces", tags("Flu  NN  B-D", "in IN O "), "Flu"),
    taken(
        "columns, CRLF",
        tags("Flu B-D\r", "\r", "Leeds B-D\r"),
        "Flu",
        "Leeds",
        n_spans=2,
    ),
]
COLUMNS = [fault._replace(file="a.conll") for fault in COLUMNS]
BRAT = [
    rejected(
        "brat, no text", brat("T1\tD 0 3\tFlu\n", None), "no a.txt in the same folder"
    ),
    rejected("brat, discontinuous", brat("T1\tD 0 3;7 12\tFlu Leeds\n"), "discont"),
    rejected(
        "brat, bad line", brat("T1 D 0 3 Flu\n"), "not an entity: line 1, 'T1 D 0"
    ),
    rejected(
        "brat, 5,000 digits", brat(f"T1\tD 0 {'9' * 5000}\tFlu\n"), "not an entity"
    ),
    rejected(
        "brat, other text",
        brat("T1\tD 0 3\tLee\n"),
        "offsets and text of a span differ",
    ),
    rejected("brat, empty text", brat("T1\tD 0 3\tFlu\n", ""), "no text"),
    taken("brat, empty .ann", brat(""), "", n_spans=0),
    taken(
        "brat, the rest is left",
        brat("T1\tD 0 3\tFlu\nR1\tIn Arg1:T1 Arg2:T1\nE1\tD:T1\n#1\tNote T1\tx\n"),
        "Flu",
    ),
]
BRAT = [fault._replace(n_spans=1) if fault.why else fault for fault in BRAT]
MIXED = taken(
    "formats mixed",
    Files(
        {
            "a.jsonl": lines(ONE, ["Flu A.", {"entities": [[0, 3, "D"]]}]),
            "b.json": encoded([task(version(result("D")), data={"text": "Flu B."})]),
            "c.conll": tags("Flu B-D", "C O"),
            "d.spacy": doc_bin(),
        }
    ),
    *("Flu", "Flu", "Flu", "Flu"),
    n_spans=5,
    ignored={"duplicate": 1},
)
FAULTS = [*FILES, *OFFSETS, *LABELS, *SPANS, *TEXTS, *TOOLS, *COLUMNS, *BRAT, MIXED]

# Files that can't be read row by row.
BROKEN = {
    "UTF-16 with BOM": (encoded(ONE).decode().encode("utf-16"), "is UTF-16: save it"),
    "UTF-16 in gzip": (gzip.compress("{}".encode("utf-16")), "is UTF-16: save it"),
    "gzip cut off": (gzip.compress(encoded(ONE))[:-12], "is not a complete gzip file"),
    "gzip corrupt": (
        gzip.compress(encoded(ONE))[:-8] + b"12345678",
        "not a complete gzip",
    ),
    "gzip header alone": (b"\x1f\x8b\x08", "is not a complete gzip file"),
    "gzip of gzip": (gzip.compress(gzip.compress(b"{}")), "is gzip in gzip: unpack it"),
    "list cut off": (encoded([ONE, ONE])[:-9], f"is {NO_JSON}"),
    "list with more after it": (encoded([ONE]) + b" x", "Extra data"),
    "list in Latin-1": (b"[" + LATIN + b"]", f"is {NO_JSON}"),
    "list of 10,000 brackets": (b"[\n" + b"[" * 10_000, "recursion depth"),
    "objects over several lines": (json.dumps(ONE, indent=1).encode() * 2, "Extra"),
    "columns in Latin-1": (b"Flu O\nna\xefve O\n", "is not UTF-8"),
    "DocBin cut off": (doc_bin()[:-9], "is not a complete DocBin"),
    "PNG": (PNG, "is an image"),
    "NUL bytes": (b"\0" * 5000, "is a binary file, or text in UTF-16"),
    "plain text": (b"Flu in Leeds", f"{NO_JSON_LINES}'Flu in Leeds': export JSON"),
    "text of two lines": (b"Flu\nis back", f"{NO_JSON_LINES}'Flu': export"),
    "JSON Lines in Latin-1": (lines(LATIN, LATIN, LATIN), f"{NO_JSON_LINES}{NO_JSON}"),
    "UTF-32": (encoded(ONE).decode().encode("utf-32"), "is UTF-32: save it as UTF-8"),
    "CSV": (b"id,text,label\n1,Flu came.,D\n", "is CSV: export JSON Lines"),
    "token a row": (b"Sentence #,Word,Tag\nSentence: 1,Flu,B-D\n,came,O\n", "is CSV"),
    "CSV with semicolons": (b"id;text\n1;Flu\n", "is CSV with semicolons: export"),
    "sentence numbers": (b"1\tFlu\tB-D\n1\tcame\tO\n2\tNo\tO\n", "put the token first"),
    "table": (b"id\ttext\n1\tFlu\n", "is a table with tabs: export"),
    "XML": (b'<?xml version="1.0"?>\n<doc>Flu</doc>\n', "is XML: export"),
    "HTML": (b"\n<!DOCTYPE html>\n<html>\n", "is HTML: export"),
    "WebAnno": (
        b"#FORMAT=WebAnno TSV 3.3\n\n1-1\t0-3\tFlu\tD\n",
        "is WebAnno TSV: exp",
    ),
    "PDF": (b"%PDF-1.7\n%\xe2\xe3\n1 0 obj\n", "is a PDF: export"),
    "database": (b"SQLite format 3\0\x10\0", "is an SQLite database: export JSON"),
    "pickle": (pickle.dumps([ONE]), "is a pickle, which is never loaded: export JSON"),
    "Python": (b"TRAIN_DATA = [\n('Flu', {})]\n", "is Python: write it with json"),
    "tar": (b"a.txt".ljust(257, b"\0") + b"ustar\0", "is a tar archive: unpack it"),
    "zlib of something else": (b"\x78\x9c\x01\x02", "is not a complete DocBin"),
}


def write(folder, fault: Fault) -> str:
    """Write a fault's files, and a good one that comes last."""
    content, files = fault.content, {}
    if isinstance(content, Files):
        files = content
    elif isinstance(content, bytes):
        files[fault.file] = content
    else:
        files[fault.file] = encoded(content)
    folder.mkdir()
    for name, text in {**files, "good.jsonl": encoded(GOOD)}.items():
        (folder / name).write_bytes(text)
    return str(folder)


def convert(folder, train: str, **flags):
    paths = {f"{n}_path": folder / f"{n}.json" for n in ("account", "rejected")}
    main(train, folder / "out", "blank:en", max_rejected=1.0, **paths, **flags)
    account = srsly.read_json(paths["account_path"])
    rows = [json.loads(line) for line in paths["rejected_path"].open()]
    docs = [*read_docs(folder / "out" / "train", spacy.blank("en").vocab)]
    for kinds in (account["rows"], account["spans"]):
        assert kinds["in"] == sum(kinds.values()) - kinds["in"]
    assert account["rows"]["kept"] + account["rows"]["repaired"] == len(docs)
    assert account["rows"]["rejected"] == len(rows)
    return account, rows, [";".join(e.text for e in d.ents) for d in docs]


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_faulty_row_has_exactly_this_account(tmp_path, fault):
    train = write(tmp_path / "in", fault)
    account, rows, docs = convert(tmp_path, train, **fault.flags)
    assert sorted(docs) == sorted([*fault.docs, "Influenza"])
    assert len(rows) == len(fault.why)
    for refused, why in zip(rows, fault.why, strict=True):
        assert re.search(why, refused["reason"])
        assert refused["file"].startswith(train)
    assert (account["ignored"], account["repairs"]) == (fault.ignored, fault.repairs)
    n_ignored = sum(fault.ignored.values())
    assert account["rows"]["ignored"] == n_ignored
    assert account["rows"]["in"] == len(docs) + len(rows) + n_ignored
    assert account["spans"]["in"] == fault.n_spans + 1

    if rows and fault.is_bad_alone:
        assert n_rejected_again(tmp_path) == len(rows)


def n_rejected_again(folder) -> int:
    """Feed back what was rejected, as it is."""
    (folder / "again").mkdir()
    (folder / "rejected.json").rename(folder / "again" / "rejected.json")
    (folder / "in" / "good.jsonl").rename(folder / "again" / "good.jsonl")
    _, rows, _ = convert(folder, str(folder / "again"))
    return len(rows)


@pytest.mark.parametrize(
    "name, why",
    [
        ("tokens", "the tokens are not a list"),
        ("spacy-json", "the spans are not a list"),
    ],
)
def test_row_without_what_its_format_needs_is_rejected(tmp_path, capsys, name, why):
    train = write(tmp_path / "in", Fault("", ONE))
    with pytest.raises(ValueError, match="has no annotation"):
        convert(tmp_path, train, format_name=name)
    assert capsys.readouterr().out.count(why) == 2


@pytest.mark.parametrize("mended", [row(SPAN), json.dumps(row(SPAN))])
def test_broken_line_is_taken_once_it_is_corrected(tmp_path, mended):
    fault = rejected("", encoded(row(SPAN))[:-1], NO_JSON)
    _, [refused], _ = convert(tmp_path, write(tmp_path / "in", fault))
    fault = taken("", {**refused, "row": mended})
    _, rows, docs = convert(tmp_path, write(tmp_path / "mended", fault))
    assert (rows, docs) == ([], ["Flu", "Influenza"])


def message_of(monkeypatch, capsys, folder, train: str) -> str:
    """Run the step as a command that must fail, and return the line that it prints."""
    paths = [f"--{name}={folder / name}" for name in ("account", "rejected")]
    arguments = [train, str(folder / "out"), "--base=blank:en", *paths]
    monkeypatch.setattr(sys, "argv", ["preprocess", *arguments])
    with pytest.raises(SystemExit) as failed:
        run(main)
    assert failed.value.code == 1
    assert not (folder / "out").exists()
    [line] = capsys.readouterr().err.splitlines()
    return line


@pytest.mark.parametrize("name", BROKEN)
def test_broken_file_is_an_error_that_names_it(tmp_path, monkeypatch, capsys, name):
    content, message = BROKEN[name]
    train = write(tmp_path / "in", Fault(name, content, file="faulty.xyz"))
    line = message_of(monkeypatch, capsys, tmp_path, train)
    assert line.startswith(f"Error: {tmp_path / 'in' / 'faulty.xyz'} ")
    assert message in line and len(line) < 400


@pytest.mark.parametrize(
    "name, content", [("empty", b""), ("blank", b"\n\n"), ("list", b"[]")]
)
def test_file_without_rows_is_an_error_that_names_it(
    tmp_path, monkeypatch, capsys, name, content
):
    path = tmp_path / f"{name}.jsonl"
    path.write_bytes(content)
    line = message_of(monkeypatch, capsys, tmp_path, str(path))
    assert line.startswith(f"Error: {path} has no annotation of any label")


@pytest.mark.parametrize("name", ["", "missing.jsonl", "*.none", "nul\0"])
def test_path_without_files_is_an_error_that_names_it(
    tmp_path, monkeypatch, capsys, name
):
    (tmp_path / "empty").mkdir()
    train = str(tmp_path / "empty" / name)
    line = message_of(monkeypatch, capsys, tmp_path, train)
    assert "No file at '" in line and str(tmp_path / "empty") in line


def test_long_text_of_many_spans_does_not_take_hours():
    text = "😷 Flu " * 100_000
    spans = [Span(7 * n + 3, 7 * n + 6, "D") for n in range(100_000)]
    votes = Votes(n_left=10 * len(text))
    votes.add(Record(text, tuple(spans)))
    assert (votes.choose(), votes.n_left) == (Reading("utf16"), 0)
