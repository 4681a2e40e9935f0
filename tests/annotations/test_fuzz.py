"""Whatever a file holds: a message, or an account of every row and span.

FUZZ_EXAMPLES=20000 python -m pytest tests/annotations/test_fuzz.py -m slow
"""

import copy
import gzip
import io
import json
import os
import zlib
from zipfile import ZipFile, ZipInfo

import pytest
import spacy
import srsly
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from spacy.tokens import DocBin

from scripts.annotations.account import Account, in_line
from scripts.annotations.align import Options
from scripts.annotations.convert import convert
from scripts.annotations.formats import FILE_FORMATS, ROW_FORMATS
from scripts.annotations.offsets import UNITS
from scripts.annotations.records import Row
from scripts.annotations.rows import list_files, parse_line, read_rows, unpack
from scripts.annotations.sets import read_sets
from scripts.components import kind_of

pytestmark = pytest.mark.slow
NLP = spacy.blank("en")
fuzz = settings(
    max_examples=int(os.environ.get("FUZZ_EXAMPLES", "200")),
    deadline=None,
    suppress_health_check=list(HealthCheck),
)

TEXT = "Asthma is (common) in\r\nLeeds,  naïve 😷 Flu."
VALUE = {"start": 0, "end": 6, "text": "Asthma", "labels": ["A"]}
RESULT = {"type": "labels", "value": VALUE}
SPAN = {"start": 0, "end": 6, "label": "A", "text": "Asthma"}
TOKEN = {"text": "Flu", "start": 38, "end": 41}
ORTH = {"orth": "Asthma", "ner": "U-A"}
SENT = {"status": "submitted", "value": [{"start": 0, "end": 6, "label": "A"}]}
ROWS = [
    {"text": TEXT, "spans": [SPAN], "partial": True, "wrong": [[23, 28, "B"]]},
    {"text": TEXT, "spans": [SPAN], "tokens": [TOKEN], "answer": "accept"},
    {"text": TEXT, "spans": [SPAN], "_view_id": "ner", "answer": "reject"},
    {"data": {"text": TEXT}, "annotations": [{"result": [RESULT]}, {"result": []}]},
    {"annotation_id": 1, "text": TEXT, "label": [VALUE]},
    {"id": 1, "text": TEXT, "label": [[0, 6, "A"], [38, 41, "A"]]},
    {"id": 1, "data": TEXT, "label": []},
    {
        "text": TEXT,
        "entities": [{"start_offset": 0, "end_offset": 6, "label": "A"}],
        "relations": [],
    },
    {"text": TEXT, "annotation": [["A", 0, 6]], "status": "Validated"},
    {"fields": {"text": TEXT}, "responses": {"ner": [SENT]}, "status": "completed"},
    {"text": TEXT, "ner.responses": [[SPAN]], "ner.responses.status": ["submitted"]},
    {"tokens": ["Asthma", "is", "it"], "ner_tags": ["B-A", "I-A", "O"], "doc_id": "x"},
    {"text": TEXT, "ents": [SPAN], "tokens": []},
    [TEXT, {"entities": [[0, 6, "A"], [0, 6, "A"], [2, 9, "B"]]}],
    {"text": TEXT, "spans": {"sc": [SPAN], "x": []}},
    {"text": TEXT, "spans": [{**SPAN, "answer": "reject"}], "_view_id": "choice"},
    {"content": TEXT, "annotation": [{"label": ["A"], "points": [SPAN]}]},
    {"paragraphs": [{"raw": "Asthma", "sentences": [{"tokens": [ORTH]}]}]},
    {"classes": ["A"], "annotations": [[TEXT, {"entities": []}], None]},
    {"file": "a", "line": 1, "reason": "no text", "row": {"text": TEXT}},
    {"file": "a", "line": 1, "reason": "not JSON", "row": '{"text": "Flu."}'},
]
COLUMNS = "-DOCSTART- -X- O\n\n# a comment\nAsthma B-A\nis O\n\nLeeds\tU-B\n, -\n"
NUMBERED = "# newdoc\n1\tAsthma\tB-A\tO\n2\tis\tO\tO\n\n# newdoc\n1\tFlu\tO\tB-A\n"
BRAT = "T1\tA 0 6\tAsthma\nT2\tA 23 25;26 28\tLe ds\nR1\tr Arg1:T1\n#1\tnote T1 x\n"

word = st.sampled_from(
    [*"AB", "I-A", "B-A", "O", "-", "", " ", "text", "accept", "draft", "\ud83d", TEXT]
)
scalar = (
    st.none()
    | st.booleans()
    | st.integers(-2, 50)
    | st.sampled_from([10**18, -(10**30), 1e400, float("nan"), 6.0])
    | word
    | st.text(max_size=8)
)
key = st.sampled_from(sorted({k for row in ROWS if isinstance(row, dict) for k in row}))
value = st.recursive(
    scalar | st.sampled_from(ROWS),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(key | word, inner, max_size=5)
    ),
    max_leaves=12,
)
options = st.builds(
    Options,
    st.sampled_from(["", "", "", "", *ROW_FORMATS, *FILE_FORMATS]),
    st.none() | st.sampled_from(["chars", *UNITS]),
    st.none() | st.booleans(),
    st.sampled_from(["strict", "contract", "expand"]),
    st.booleans(),
    st.booleans(),
    st.booleans(),
    st.booleans(),
    st.sampled_from([(), (), ("A",)]),
    st.just("ner"),
    st.just(False),
    st.just(()),
)
seen = {"error": 0, "kept": 0, "repaired": 0, "rejected": 0, "ignored": 0}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    yield tmp_path_factory.mktemp("fuzz")
    print(seen)


def check(path, options) -> int | None:
    """Convert a file's rows, split in two; None: the file as a whole was refused."""
    account, docs = Account(), DocBin()
    n_docs = 0
    try:
        settings = {"train": str(path), "dev": "", "test": None, "old_test": None}
        kind = kind_of(NLP, options.component)
        sets, labels, _ = read_sets(settings, kind, options, [], account)
        files, _ = list_files(str(path))
        n_rows = sum(len(read_rows(file, options.format_name)) for file in files)
    except (ValueError, OSError) as error:
        assert str(path) in str(error)
        assert len(str(error)) < 1000
        seen["error"] += 1
        return None
    for rows in sets.values():
        for _, doc in convert(rows, NLP, options, labels, account):
            docs.add(doc)
            n_docs += 1
    docs.to_bytes()
    counts = json.loads(srsly.json_dumps(account.to_json()))
    for kinds in (counts["rows"], counts["spans"]):
        assert min(kinds.values()) >= 0
        assert kinds["in"] == sum(kinds.values()) - kinds["in"]
    rows = counts["rows"]
    assert rows["in"] == n_rows
    assert rows["kept"] + rows["repaired"] == n_docs
    assert rows["rejected"] == len(account.rejected)
    for row in account.rejected:
        assert row["reason"]
        in_line(row).encode()
        json.dumps(row)
    for kind in rows.keys() - {"in"}:
        seen[kind] += rows[kind]
    return n_rows


def write_rows(path, rows, shape):
    lines = [json.dumps(row) for row in rows]
    text = "[\n" + ",".join(lines) + "]" if shape == "list" else "\n".join(lines)
    content = text.encode()
    path.write_bytes(gzip.compress(content) if shape == "gzip" else content)


def check_rows(path, rows, shape, options):
    write_rows(path, rows, shape)
    n_rows = check(path, options)
    of_lines = options.format_name in ("", *ROW_FORMATS)
    if of_lines and (shape == "list" or not isinstance(rows[0], list)):
        broken = [shape != "list" and is_broken(row) for row in rows]
        inside = [[*unpack(Row("", 1, row), False)] for row in rows]
        n_each = [1 if b else len(i) for b, i in zip(broken, inside, strict=True)]
        looks_like_json = any(isinstance(row, dict | list) for row in rows)
        is_refused = all(broken) and (len(rows) > 2 or not looks_like_json)
        assert n_rows == (None if is_refused else sum(n_each))


def is_broken(row) -> bool:
    """Check whether a row is a line that the door can't parse, such as one with NaN."""
    try:
        parse_line(json.dumps(row))
    except ValueError:
        return True
    return False


shapes = st.sampled_from(["lines", "list", "gzip"])
starts = st.sampled_from(
    [b"", b"\x1f\x8b", b"\x78\x9c", b"\xff\xfe", b"\xef\xbb\xbf", b"[\n", b'{"text":']
)
names = st.sampled_from(["a.jsonl", "a.ann", "a.spacy", "a.txt"])


@fuzz
@given(starts, st.binary(max_size=200), names, options)
def test_any_bytes(folder, start, content, name, options):
    (folder / name).write_bytes(start + content)
    check(folder / name, options)


@fuzz
@given(st.lists(value, min_size=1, max_size=6), shapes, options)
def test_any_json(folder, rows, shape, options):
    check_rows(folder / "rows.jsonl", rows, shape, options)


def places_in(value, path=()):
    """List the way to each value inside a value."""
    items = value.items() if isinstance(value, dict) else enumerate(value)
    for name, item in items:
        yield (*path, name)
        if isinstance(item, dict | list):
            yield from places_in(item, (*path, name))


@st.composite
def mutated(draw):
    row = copy.deepcopy(draw(st.sampled_from(ROWS)))
    for _ in range(draw(st.integers(0, 2))):
        if not (places := list(places_in(row))):
            break
        *way, last = draw(st.sampled_from(places))
        inside = row
        for name in way:
            inside = inside[name]
        if draw(st.booleans()):
            # A copy: a later edit may be inside it.
            inside[last] = copy.deepcopy(draw(value))
        else:
            del inside[last]
    return row


@fuzz
@given(st.lists(mutated(), min_size=1, max_size=6), shapes, options)
def test_mutated_rows(folder, rows, shape, options):
    check_rows(folder / "rows.jsonl", rows, shape, options)


def doc_bin() -> bytes:
    doc = spacy.blank("en")("Asthma is common.")
    doc.ents = [doc.char_span(0, 6, "A")]
    doc.spans["incorrect_spans"] = [doc[2:3]]
    return DocBin(docs=[doc, doc]).to_bytes()


def zipped(files: dict[str, bytes]) -> bytes:
    content = io.BytesIO()
    with ZipFile(content, "w") as archive:
        for name, text in files.items():
            archive.writestr(ZipInfo(name), text)
    return content.getvalue()


lines = "\n".join(map(json.dumps, ROWS)).encode()
FILES = {
    "rows.jsonl": lines,
    "list.json": json.dumps(ROWS, indent=1).encode(),
    "rows.jsonl.gz": gzip.compress(lines, mtime=0),
    "columns.tsv": COLUMNS.encode(),
    "numbered.tsv": NUMBERED.encode(),
    "export.zip": zipped({"a.jsonl": lines, "b/brat.ann": BRAT.encode()}),
    "brat.ann": BRAT.encode(),
    "docs.spacy": doc_bin(),
}
edits = st.lists(
    st.tuples(st.integers(0, 5000), st.integers(0, 3), st.binary(max_size=3)),
    max_size=4,
)


@fuzz
@given(st.sampled_from(sorted(FILES)), edits, options)
def test_mutated_files(folder, name, edits, options):
    content = bytearray(FILES[name])
    # Every other time inside the compression, whose checksum hides the rest.
    if name == "docs.spacy" and len(edits) % 2:
        content = bytearray(zlib.decompress(content))
    for place, length, replacement in edits:
        at = place % len(content) if content else 0
        content[at : at + length] = replacement
    is_packed = name == "docs.spacy" and len(edits) % 2
    (folder / name).write_bytes(zlib.compress(content) if is_packed else content)
    (folder / "brat.txt").write_text(TEXT, newline="")
    check(folder / name, options)
