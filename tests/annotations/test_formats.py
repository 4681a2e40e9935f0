"""Each format: records to a file and back are the same records."""

import gzip
import json
from itertools import pairwise

import pytest
import spacy
import srsly
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from spacy.tokens import DocBin

from scripts.annotations.formats import doccano, label_studio
from scripts.annotations.records import Span
from scripts.annotations.rows import list_files, read_rows

PIECES = [
    *("a", "Bo", "9", "é", "e\u0301", "😷", "👨\u200d👩", "漢字", "שלום", "محمد"),
    *(" ", "\t", "\n", "\r\n", "\x00", "\u00a0", "\u200b", "\ufeff"),
    *(".", ",", "-", "(", "'", '"', "\\", "#", ";", "[", "{"),
]  # fmt: skip
LABELS = st.sampled_from(["DRUG", "B-X", "疾病", "O"])
BLANK = spacy.blank("en")
MANY = settings(
    deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@st.composite
def records(draw):
    """A text, and spans in it that do not overlap, in characters."""
    text = "".join(draw(st.lists(st.sampled_from(PIECES), min_size=1, max_size=12)))
    text = text if text.strip() else f"{text}x"
    cuts = draw(st.lists(st.integers(0, len(text)), unique=True, max_size=6))
    ends = [*pairwise(sorted(cuts))][::2]
    return text, [(start, end, draw(LABELS)) for start, end in ends]


@st.composite
def sentences(draw):
    """Words, and spans by words that do not overlap."""
    words = st.text(st.sampled_from("aB9é😷漢.,-#[{'"), min_size=1, max_size=5)
    words = draw(st.lists(words, min_size=1, max_size=6))
    cuts = draw(st.lists(st.integers(0, len(words)), unique=True, max_size=6))
    return words, [(*ends, draw(LABELS)) for ends in [*pairwise(sorted(cuts))][::2]]


def dicts(spans, start="start", end="end"):
    return [{start: s, end: e, "label": label} for s, e, label in spans]


def prodigy(text, spans):
    return {"text": text, "spans": dicts(spans), "_input_hash": 1, "answer": "accept"}


def doccano_old(text, spans):
    return {"id": 1, "text": text, "labels": [list(span) for span in spans]}


def doccano_new(text, spans):
    units = [Span(*span) for span in spans]
    return {"id": 1, **doccano.to_row(text, units), "Comments": []}


def doccano_relations(text, spans):
    entities = dicts(spans, "start_offset", "end_offset")
    return {"id": 1, "text": text, "entities": entities, "relations": []}


def task(text, spans):
    row = label_studio.to_row(text, [Span(*span) for span in spans])
    [annotation] = row.pop("predictions")
    cancelled = {"was_cancelled": True, "result": []}
    return {"id": 1, **row, "annotations": [cancelled, annotation]}


def task_min(text, spans):
    values = [{"start": s, "end": e, "labels": [label]} for s, e, label in spans]
    return {"id": 1, "text": text, "label": values, "annotation_id": 7}


def argilla_1(text, spans):
    return {"text": text, "annotation": dicts(spans), "status": "Validated"}


def argilla_1_hub(text, spans):
    return {"text": text, "annotation": [[x, s, e] for s, e, x in spans]}


def argilla_2(text, spans):
    response = {"user_id": "u", "value": dicts(spans), "status": "submitted"}
    return {"fields": {"text": text}, "responses": {"span": [response]}}


def argilla_2_flat(text, spans):
    status = {"span.responses.status": ["submitted"]}
    return {"text": text, "span.responses": [dicts(spans)], **status}


def doc_json(text, spans):
    return {"text": text, "ents": dicts(spans), "tokens": []}


def train_data(text, spans):
    return [text, {"entities": [list(span) for span in spans]}]


def plain(text, spans):
    return {"text": text, "spans": dicts(spans)}


def plain_lists(text, spans):
    return {"text": text, "entities": [list(span) for span in spans]}


ROWS = {
    prodigy: "prodigy",
    doccano_old: "doccano",
    doccano_relations: "doccano",
    task: "label-studio",
    task_min: "label-studio",
    argilla_1: "argilla",
    argilla_1_hub: "argilla",
    argilla_2: "argilla",
    argilla_2_flat: "argilla",
    doc_json: "spacy-json",
    train_data: "train-data",
    plain: "plain",
    plain_lists: "plain",
}


def write_lines(path, rows):
    path.write_text("".join(f"{json.dumps(row)}\n" for row in rows), "utf-8")


def write_utf8(path, rows):
    lines = [f"{json.dumps(row, ensure_ascii=False)}\r\n" for row in rows]
    path.write_bytes("".join(["\ufeff", *lines]).encode())


def write_list(path, rows):
    path.write_text(json.dumps(rows, indent=1), "utf-8")


def write_short_list(path, rows):
    path.write_text(json.dumps(rows, ensure_ascii=False), "utf-8")


def write_gzip(path, rows):
    with gzip.open(path, "wt", encoding="utf-8") as file:
        file.writelines(f"{json.dumps(row)}\n" for row in rows)


def read(path):
    """Read a file's records: text and spans, in their tool's offsets."""
    for row in read_rows(path):
        yield row.record.text, [span[:3] for span in row.record.spans]


@pytest.mark.parametrize("to_row", ROWS, ids=lambda function: function.__name__)
@given(wanted=st.lists(records(), min_size=1, max_size=3))
@MANY
def test_rows_come_back_and_are_known_by_content(tmp_path, to_row, wanted):
    rows = [to_row(text, spans) for text, spans in wanted]
    for write in (write_lines, write_utf8, write_list, write_short_list, write_gzip):
        path = tmp_path / "export"
        write(path, rows)
        assert [*read(path)] == wanted, write.__name__
    assert {row.format_name for row in read_rows(path)} == {ROWS[to_row]}


@given(wanted=records())
@MANY
def test_doccano_counts_utf16_units(wanted):
    row = doccano_new(*wanted)
    in_units = wanted[0].encode("utf-16-le")
    for (start, end, _), (s, e, _) in zip(row["label"], wanted[1], strict=True):
        surface = in_units[2 * start : 2 * end].decode("utf-16-le")
        assert surface == wanted[0][s:e]


@given(wanted=st.lists(records(), min_size=1, max_size=3))
@MANY
def test_brat_files_come_back(tmp_path, wanted):
    for number, (text, spans) in enumerate(wanted):
        (tmp_path / f"{number}.txt").write_bytes(text.encode())
        lines = [
            f"T{n}\t{label} {s} {e}\t{' '.join(text[s:e].splitlines())}\n"
            for n, (s, e, label) in enumerate(spans)
        ]
        lines += ["R1\tnear Arg1:T0 Arg2:T1\n", "#1\tAnnotatorNotes T0\twhy\n"]
        (tmp_path / f"{number}.ann").write_text("".join(lines), "utf-8", newline="")
        assert [*read(tmp_path / f"{number}.ann")] == [wanted[number]]


@given(wanted=st.lists(records(), min_size=1, max_size=3))
@MANY
def test_doc_bin_comes_back(tmp_path, wanted):
    docs, kept = [], []
    for text, spans in wanted:
        doc = BLANK.make_doc(text)
        ents = [doc.char_span(*span) for span in spans]
        doc.set_ents([ent for ent in ents if ent is not None])
        fits = [span for span, ent in zip(spans, ents, strict=True) if ent is not None]
        docs.append(doc)
        kept.append((text, fits))
    DocBin(attrs=["ENT_IOB", "ENT_TYPE"], docs=docs).to_disk(tmp_path / "x.spacy")
    assert [*read(tmp_path / "x.spacy")] == kept


def tags_of(words, spans, scheme):
    """Write spans as tags: `first`, `inside`, `last` and `only`, as the scheme has."""
    first, inside, last, only = scheme
    tags = ["O"] * len(words)
    for start, end, label in spans:
        places = [inside] * (end - start)
        places[0], places[-1] = first, last
        places = [only] if end - start == 1 else places
        tags[start:end] = [f"{place}-{label}" for place in places]
    return tags


def in_text(words, spans):
    """Give words as a text, and spans in characters."""
    ends = [len(" ".join(words[:n])) for n in range(len(words) + 1)]
    starts = [end + 1 if end else 0 for end in ends]
    return " ".join(words), [(starts[s], ends[e], label) for s, e, label in spans]


@pytest.mark.parametrize("scheme", ["BIIB", "BIES", "BILU"])
@pytest.mark.parametrize("separator", ["\t", " ", " NN B-NP "])
@given(wanted=st.lists(sentences(), min_size=1, max_size=3))
@MANY
def test_columns_come_back(tmp_path, scheme, separator, wanted):
    blocks = ["-DOCSTART- -X- O O\n\n"]
    for words, spans in wanted:
        tags = tags_of(words, spans, scheme)
        lines = [f"{w}{separator}{t}\n" for w, t in zip(words, tags, strict=True)]
        blocks.append("".join([*lines, "\n"]))
    path = tmp_path / "train.conll"
    path.write_text("".join(blocks), "utf-8")
    assert [*read(path)] == [in_text(*sentence) for sentence in wanted]


def test_iob1_begins_an_entity_with_an_inside_tag(tmp_path):
    lines = ["Oslo I-LOC", "Anna I-PER", "Berg I-PER", "Juan B-PER", "left O"]
    (tmp_path / "x.iob").write_text("\n".join(lines), "utf-8")
    [(text, spans)] = read(tmp_path / "x.iob")
    found = [(text[s:e], label) for s, e, label in spans]
    assert found == [("Oslo", "LOC"), ("Anna Berg", "PER"), ("Juan", "PER")]


@given(wanted=sentences())
@MANY
def test_tokens_and_tags_come_back(tmp_path, wanted):
    words, spans = wanted
    row = {"tokens": words, "ner_tags": tags_of(words, spans, "BIIB")}
    srsly.write_jsonl(tmp_path / "x.jsonl", [row])
    assert [*read(tmp_path / "x.jsonl")] == [in_text(words, spans)]


@pytest.mark.parametrize(
    "row",
    [
        {"text": "Flu.", "annotations": dicts([(0, 3, "D")])},
        {"text": "Flu.", "spans": [], "label": [[0, 3, "D"]]},
        {"id": 1, "text": "Flu.", "entities": dicts([(0, 3, "D")])},
        {"id": 1, "text": "Flu.", "relations": [], "label": [[0, 3, "D"]]},
        {"text": "Flu.", "fields": 3, "spans": [[0, 3, "D"]]},
        {"text": "Flu.", "row": 3, "reason": "x", "spans": [[0, 3, "D"]]},
        {"text": "Flu.", "tokens": ["Flu."], "tags": ["x"], "spans": [[0, 3, "D"]]},
        {
            "annotation_id": 3,
            "text": "Flu.",
            "ner": [{"start": 0, "end": 3, "text": "Flu", "labels": ["D"]}],
        },
        {
            "fields": {"text": "Flu."},
            "responses": {
                "topic": [{"value": "health", "status": "submitted"}],
                "span": [{"value": dicts([(0, 3, "D")]), "status": "submitted"}],
            },
        },
    ],
)
def test_row_that_looks_like_another_tool_s_keeps_its_spans(tmp_path, row):
    write_lines(tmp_path / "x.jsonl", [row])
    assert [*read(tmp_path / "x.jsonl")] == [("Flu.", [(0, 3, "D")])]


def test_folder_of_brat_files_is_read_as_pairs_in_gzip_too(tmp_path):
    for end, opener in (("", open), (".gz", gzip.open)):
        with opener(tmp_path / f"a{end}.txt{end}", "wt") as file:
            file.write("Flu is back.")
        with opener(tmp_path / f"a{end}.ann{end}", "wt") as file:
            file.write("T1\tD 0 3\tFlu\n")
    (tmp_path / "annotation.conf").write_text("[entities]\nD\n")
    found = [record for path in list_files(str(tmp_path))[0] for record in read(path)]
    assert found == [("Flu is back.", [(0, 3, "D")])] * 2
