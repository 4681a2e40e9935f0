"""Made rows, written in each format that the door reads, come back as the same spans.

Unlike `test_formats.py`, which reads records, this converts them with the step: spans
are aligned with tokens, the offsets of each file are detected, and the account adds up.
"""

import json
import random
from zipfile import ZipFile

import pytest
import spacy
import srsly
from spacy.tokens import DocBin

from scripts.annotations.formats import doccano, label_studio, prodigy
from scripts.annotations.records import Span
from scripts.docs import read_docs
from scripts.preprocess import main

NLP = spacy.blank("en")
WORDS = [
    "Ada",
    "Turin",
    "naïve",
    "e\u0301té",
    "😷",
    "漢字",
    "boots",
    "1815",
    "is",
    "at",
]
# Enough to see what the offsets of a file count.
N_ROWS = 30
LABELS = ["PERSON", "Person Name", "疾病", "B-X"]
# Of each kind of tag: how an entity begins, goes on and ends, and one of one token.
BIO, BILUO, BIOES = "BIIB", "BILU", "BIES"


def make_rows(seed: int) -> list[tuple[list[str], list[tuple[int, int, str]]]]:
    """Make sentences: words, and spans by words that do not overlap."""
    rng = random.Random(seed)
    rows = []
    for number in range(N_ROWS):
        words = [rng.choice(WORDS) for _ in range(rng.randint(2, 9))] + [f"n{number}"]
        cuts = sorted(rng.sample(range(len(words) + 1), rng.choice([0, 2, 2])))
        ends = zip(cuts[::2], cuts[1::2], strict=True)
        rows.append((words, [(*both, rng.choice(LABELS)) for both in ends]))
    return rows


def in_text(words, spans) -> tuple[str, list[Span]]:
    """Write the words as a text, and the spans in characters."""
    starts = [len(" ".join([*words[:n], ""])) for n in range(len(words))]
    places = [(starts[s], starts[e - 1] + len(words[e - 1]), x) for s, e, x in spans]
    return " ".join(words), [Span(*place) for place in places]


def tags_of(words, spans, scheme=BIO) -> list[str]:
    first, inside, last, only = scheme
    tags = ["O"] * len(words)
    for start, end, label in spans:
        places = [first, *[inside] * (end - start - 2), last]
        tags[start:end] = [
            f"{p}-{label}" for p in (places if end - start > 1 else only)
        ]
    return tags


def dicts(spans, start="start", end="end") -> list[dict]:
    return [{start: s.start, end: s.end, "label": s.label} for s in spans]


def lists(spans) -> list[list]:
    return [[*span[:3]] for span in spans]


def lines_of(to_row):
    """Make a writer of JSON Lines from a function of text and spans."""

    def write(folder, rows):
        both = (in_text(*row) for row in rows)
        lines = "".join(f"{json.dumps(to_row(*each))}\n" for each in both)
        (folder / "export.jsonl").write_text(lines)

    return write


def json_of(to_value):
    """Make a writer of one JSON value from a function of words and spans by words."""

    def write(folder, rows):
        (folder / "export.json").write_text(json.dumps(to_value(rows)))

    return write


def columns_of(scheme, line, head=""):
    """Make a writer of columns from the pattern of a line."""

    def write(folder, rows):
        parts = [head]
        for words, spans in rows:
            tagged = enumerate(zip(words, tags_of(words, spans, scheme), strict=True))
            lines = [line.format(n=n + 1, word=w, tag=t) for n, (w, t) in tagged]
            parts.append("\n".join([*lines, "\n"]))
        (folder / "export.conll").write_text("".join(parts), "utf-8")

    return write


def brat(folder, rows):
    for number, row in enumerate(rows):
        text, spans = in_text(*row)
        lines = [
            f"T{n}\t{s.label} {s.start} {s.end}\t{text[s.start : s.end]}\n"
            for n, s in enumerate(spans)
        ]
        (folder / f"{number}.txt").write_text(text, "utf-8")
        (folder / f"{number}.ann").write_text("".join(lines), "utf-8")


def doc_bin(folder, rows):
    docs = []
    for row in rows:
        text, spans = in_text(*row)
        docs.append(NLP.make_doc(text))
        docs[-1].ents = [docs[-1].char_span(*span[:3]) for span in spans]
    DocBin(docs=docs).to_disk(folder / "export.spacy")


def zipped(folder, rows):
    (folder / "parts").mkdir()
    brat(folder / "parts", rows[::2])
    lines_of(lambda text, spans: {"text": text, "spans": dicts(spans)})(
        folder / "parts", rows[1::2]
    )
    with ZipFile(folder / "export.zip", "w") as archive:
        for path in [*(folder / "parts").iterdir()]:
            archive.write(path, f"project/{path.name}")
            path.unlink()


def dataturks(text, spans):
    points = [
        {
            "start": s.start,
            "end": s.end - 1,
            "text": text[s.start : s.end],
            "x": s.label,
        }
        for s in spans
    ]
    items = [{"label": [point.pop("x")], "points": [point]} for point in points]
    return {"content": text, "annotation": items or None, "extras": None}


def task(text, spans):
    row = label_studio.to_row(text, spans)
    return {**row, "annotations": row.pop("predictions")}


def task_min(text, spans):
    items = [{"start": s.start, "end": s.end, "labels": [s.label]} for s in spans]
    return {"annotation_id": 1, "passage": "", "text": text, "label": items}


def argilla(text, spans):
    answer = {"value": dicts(spans), "status": "submitted"}
    return {"fields": {"text": text}, "responses": {"ner": [answer]}}


def ner_annotator(rows):
    texts = [in_text(*row) for row in rows]
    items = [[text, {"entities": lists(spans)}] for text, spans in texts]
    return {"classes": LABELS, "annotations": [None, *items]}


def spacy_v2(rows):
    paragraphs = []
    for words, spans in rows:
        pairs = zip(words, tags_of(words, spans, BILUO), strict=True)
        tokens = [{"orth": word, "ner": tag} for word, tag in pairs]
        sentences = [{"tokens": tokens[:1]}, {"tokens": tokens[1:]}]
        paragraphs.append({"raw": "  ".join(words), "sentences": sentences})
    return [{"id": n, "paragraphs": [each]} for n, each in enumerate(paragraphs)]


def tokens(rows):
    return [{"tokens": w, "ner_tags": tags_of(w, spans)} for w, spans in rows]


FORMATS = {
    "plain": lines_of(lambda text, spans: {"text": text, "spans": dicts(spans)}),
    "plain, a group": lines_of(
        lambda text, spans: {"text": text, "spans": {"sc": dicts(spans)}}
    ),
    "plain, content": lines_of(
        lambda t, spans: {"content": t, "entities": lists(spans)}
    ),
    "prodigy": lines_of(lambda *row: {**prodigy.to_row(*row), "answer": "accept"}),
    "doccano": lines_of(lambda *row: {"id": 1, **doccano.to_row(*row)}),
    "doccano, entities": lines_of(
        lambda text, spans: {
            "text": text,
            "entities": dicts(spans, "start_offset", "end_offset"),
            "relations": [],
        }
    ),
    "label-studio": lines_of(task),
    "label-studio, JSON-MIN": lines_of(task_min),
    "argilla": lines_of(argilla),
    "dataturks": lines_of(dataturks),
    "train-data": lines_of(lambda text, spans: [text, {"entities": lists(spans)}]),
    "spacy-json": lines_of(lambda text, spans: {"text": text, "ents": dicts(spans)}),
    "ner annotator": json_of(ner_annotator),
    "spacy-v2": json_of(spacy_v2),
    "tokens": json_of(tokens),
    "columns": columns_of(BIO, "{word}\t{tag}", "-DOCSTART-\tO\n\n"),
    "columns, BIOES": columns_of(BIOES, "{word}\tNN\tB-NP\t{tag}"),
    "columns, numbered": columns_of(BIO, "{n}\t{word}\t{tag}\tO", "# newdoc\n"),
    "columns, UNER": columns_of(BIO, "{n}\t{word}\t{tag}\t-\tann"),
    "brat": brat,
    "docbin": doc_bin,
    "zip": zipped,
}


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("name", FORMATS)
def test_made_rows_come_back_from_each_format_and_the_account_adds_up(
    tmp_path, name, seed
):
    rows, folder = make_rows(seed), tmp_path / "in"
    folder.mkdir()
    FORMATS[name](folder, rows)
    account_path = tmp_path / "preprocess.json"
    outputs = {"account_path": account_path, "rejected_path": tmp_path / "rejected"}
    main(str(folder), tmp_path / "out", "blank:en", trim=False, **outputs)

    wanted = [
        [" ".join(words), *((" ".join(words[s:e]), x) for s, e, x in spans)]
        for words, spans in rows
    ]
    found = [
        [" ".join(doc.text.split()), *((squeeze(e.text), e.label_) for e in doc.ents)]
        for doc in read_docs(tmp_path / "out" / "train", NLP.vocab)
    ]
    assert sorted(found) == sorted(wanted)
    account = srsly.read_json(account_path)
    for what, n_in in (("rows", N_ROWS), ("spans", sum(len(s) for _, s in rows))):
        kinds = account[what]
        assert kinds["in"] == n_in == sum(kinds.values()) - n_in
        assert kinds["rejected"] == kinds["ignored"] == 0


def squeeze(text: str) -> str:
    return " ".join(text.split())
