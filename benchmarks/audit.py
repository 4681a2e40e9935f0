"""How well `audit` finds errors that were planted in annotations, beside cleanlab.

Input: an installed pipeline such as en_core_web_sm, and a folder of data sets,
`BENCHMARK_DATA` or `../shared/data`. Output: a line of JSON for each set, seed and
ranking, and a table of all; a set and seed with lines is not made again. What the
specialists find is kept in the work folder, and ranked again without training.

cleanlab (AGPL) is for this comparison alone: pip install cleanlab

    python -m benchmarks.audit work --set drugs --seed 0 --seed 1
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import date
from itertools import product
from pathlib import Path
from random import Random
from typing import Annotated, Any
from unittest.mock import patch

import numpy as np
import spacy
import srsly
import typer
from spacy.language import Language
from spacy.tokens import Doc
from wasabi import MarkdownRenderer

from benchmarks.forgetting import SETTINGS, convert, note_all, read_rows, spread
from scripts.components import KINDS, ner
from scripts.components.kind import LIKELY
from scripts.docs import read_docs
from scripts.extras.audit import Inputs, ask_all
from scripts.extras.doubts import Text, find_doubts
from scripts.files import work_folder, written_whole

try:
    from cleanlab.token_classification.rank import get_label_quality_scores
except ImportError as error:
    raise SystemExit("cleanlab is missing: pip install cleanlab") from error

RESULTS = "audit.jsonl"
# The data sets in each set, and the labels that a wrong one is drawn from.
OTHER_LABELS = ("PERSON", "ORG", "PRODUCT")
SETS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "drugs": (("drugs",), OTHER_LABELS),
    "diseases": (("diseases",), OTHER_LABELS),
    "both": (("drugs", "diseases"), ("DRUG", "DISEASE")),
}
ERRORS = ("missing span", "wrong bounds", "wrong label")
# The share of the rows that get an error.
SHARE = 0.05
N_FIRST = 50
METHODS = ("self_confidence", "normalized_margin", "confidence_weighted_entropy")
# Of cleanlab's scores for rows, the first is its default.
RANKINGS = [
    f"cleanlab: {'; '.join(how)}" for how in product(METHODS, ("min", "softmin"))
]
RANKINGS = ["audit", *RANKINGS, "chance"]
COLUMNS = {
    "precision": f"right of the first {N_FIRST}, %",
    "recall": "found in twice as many rows as errors, %",
    **{error: error for error in ERRORS},
}
Span = tuple[int, int, str]


def read_set(name: str, nlp: Language) -> list[tuple[Doc, list[Span]]]:
    """Read the training rows of a set: each text once, with spans that fit tokens."""
    rows: dict[str, tuple[Doc, list[Span]]] = {}
    for source in SETS[name][0]:
        for row in read_rows(source, "train"):
            doc = nlp.make_doc(row["text"])
            marked = row.get("spans", [])
            spans = [doc.char_span(s["start"], s["end"], s["label"]) for s in marked]
            if all(spans) and row.get("answer", "accept") == "accept":
                facts = [(span.start, span.end, span.label_) for span in spans]
                rows.setdefault(row["text"], (doc, facts))
    return [*rows.values()]


def damage(
    doc: Doc, spans: list[Span], error: str, labels: Sequence[str], rng: Random
) -> list[Span] | None:
    """Return the spans of a row with an error in one of them, if there can be one."""
    others = [*spans]
    start, end, label = others.pop(rng.randrange(len(others)))
    if error == "missing span":
        return others
    if error == "wrong label":
        wrong = rng.choice([name for name in labels if name != label])
        return [*others, (start, end, wrong)]
    taken = {i for first, last, _ in others for i in range(first, last)}
    bounds = [(start - 1, end), (start, end + 1)]
    if end - start > 1:
        bounds += [(start + 1, end), (start, end - 1)]
    possible = [
        (first, last)
        for first, last in bounds
        if first >= 0
        and last <= len(doc)
        and taken.isdisjoint(range(first, last))
        and not any(doc[i].is_space or doc[i].is_punct for i in (first, last - 1))
    ]
    return [*others, (*rng.choice(possible), label)] if possible else None


def plant(name: str, seed: int, nlp: Language) -> tuple[list[dict[str, Any]], dict]:
    """Return the rows of a set with errors, and the kind of error by its text."""
    rows, rng, errors = read_set(name, nlp), Random(seed), {}
    candidates = [i for i, (_, spans) in enumerate(rows) if spans]
    rng.shuffle(candidates)
    for i in candidates:
        if len(errors) == round(SHARE * len(rows)):
            break
        error = ERRORS[len(errors) % len(ERRORS)]
        spans = damage(*rows[i], error, SETS[name][1], rng)
        if spans is not None:
            rows[i] = (rows[i][0], spans)
            errors[rows[i][0].text] = error
    spans_of = KINDS["ner"].to_span
    return [
        {"text": doc.text, "spans": [spans_of(doc, fact) for fact in spans]}
        for doc, spans in rows
    ], errors


def ask(name: str, seed: int, work: Path) -> tuple[list[Text], dict, list[str]]:
    """Return the texts of a set with what is found in them, the errors and labels.

    All that a beam search holds is in it: cleanlab ranks better by that.
    """
    base_dir, folder = work / "base", work / f"{name}-{seed}"
    nlp = spacy.load(base_dir)
    rows, errors = plant(name, seed, nlp)
    convert({"train": rows}, folder / "annotations", str(base_dir))
    account = srsly.read_json(folder / "preprocess.json")
    docs = list(read_docs(folder / "annotations" / "train", nlp.vocab))
    path = folder / "found.jsonl"
    if not path.exists():
        with patch.object(ner, "LIKELY", 0.0), work_folder(path) as part:
            inputs = Inputs(base_dir, SETTINGS, account, "ner", part, seed)
            texts = ask_all(docs, inputs)
        lines = [{"likely": [*t.likely.items()], "base": [*t.base]} for t in texts]
        with written_whole(path) as part:
            srsly.write_jsonl(part, lines)
    found = srsly.read_jsonl(path)
    texts = [
        Text(
            doc,
            {tuple(fact): p for fact, p in line["likely"]},
            {tuple(fact) for fact in line["base"]},
        )
        for doc, line in zip(docs, found, strict=True)
    ]
    return texts, errors, account["labels"]


def rank(texts: list[Text], labels: list[str]) -> Iterator[tuple[str, np.ndarray]]:
    """Yield the rankings of the rows: how good each row is, the worst the lowest."""
    likely = [
        text._replace(likely={f: p for f, p in text.likely.items() if p >= LIKELY})
        for text in texts
    ]
    doubts = find_doubts(likely, KINDS["ner"], labels)
    yield "audit", np.array([-some[0].score if some else 0.0 for some in doubts])
    annotated, predicted = zip(
        *(to_classes(text, labels) for text in texts), strict=True
    )
    for name in RANKINGS[1:-1]:
        method, of_row = name.removeprefix("cleanlab: ").split("; ")
        how = {"token_score_method": method, "sentence_score_method": of_row}
        yield name, get_label_quality_scores([*annotated], [*predicted], **how)[0]


def to_classes(text: Text, labels: list[str]) -> tuple[list[int], np.ndarray]:
    """Return the class of each token, 0 for none, and the probabilities of all."""
    probabilities = np.zeros((len(text.doc), 1 + len(labels)))
    for (start, end, label), p in text.likely.items():
        probabilities[start:end, 1 + labels.index(label)] += p
    probabilities[:, 0] = np.clip(1 - probabilities.sum(axis=1), 0, 1)
    probabilities /= probabilities.sum(axis=1, keepdims=True)
    names = ["", *labels]
    return [names.index(token.ent_type_) for token in text.doc], probabilities


def score_set(run: tuple[str, int], work: Path) -> Iterator[dict[str, Any]]:
    """Yield the line of results of each ranking of a set with planted errors."""
    name, seed = run
    texts, errors, labels = ask(name, seed, work)
    planted = [errors.get(text.doc.text) for text in texts]
    n = len(errors)
    chance = {column: 2 * n / len(texts) for column in COLUMNS}
    figures = {"chance": {**chance, "precision": n / len(texts)}}
    for ranking, scores in rank(texts, labels):
        found = [planted[i] for i in np.argsort(scores, kind="stable")]
        first, rows = found[:N_FIRST], found[: 2 * n]
        figures[ranking] = {
            "precision": sum(map(bool, first)) / N_FIRST,
            "recall": sum(map(bool, rows)) / n,
            **{error: rows.count(error) / planted.count(error) for error in ERRORS},
        }
    for ranking in RANKINGS:
        yield {
            "set": name,
            "seed": seed,
            "ranking": ranking,
            **{column: 100 * x for column, x in figures[ranking].items()},
            "rows": len(texts),
            "errors": n,
            "date": date.today().isoformat(),
            "spacy": spacy.__version__,
        }


def write_table(results: Path) -> None:
    """Write the table of all results: the means over the seeds, and the spread."""
    runs = defaultdict(list)
    for line in srsly.read_jsonl(results):
        runs[line["set"], line["ranking"]].append(line)
    rows = [
        (*run, str(len(runs[run])), *(spread(runs[run], column) for column in COLUMNS))
        for run in product(SETS, RANKINGS)
        if run in runs
    ]
    md = MarkdownRenderer()
    md.add(md.table(rows, ("set", "ranking", "seeds", *COLUMNS.values())))
    results.with_suffix(".md").write_text(md.text + "\n", encoding="utf-8")


def main(
    work: Annotated[Path, typer.Argument(help="Folder for what the runs make.")],
    english: Annotated[
        str, typer.Option(help="Installed English pipeline.")
    ] = "en_core_web_sm",
    sets: Annotated[
        list[str] | None, typer.Option("--set", help="Set; default: all.")
    ] = None,
    seeds: Annotated[
        list[int] | None, typer.Option("--seed", help="Seed of the errors; default: 0.")
    ] = None,
) -> None:
    """Plant errors in annotations, and rank the rows in several ways."""
    work = work.resolve()
    work.mkdir(parents=True, exist_ok=True)
    if not (work / "base").exists():
        spacy.load(english).to_disk(work / "base")
    results = work / RESULTS
    lines = srsly.read_jsonl(results) if results.exists() else []
    done = {(line["set"], line["seed"], line["ranking"]) for line in lines}
    for seed, name in product(seeds or [0], sets or SETS):
        if (name, seed, RANKINGS[-1]) not in done:
            some = [*score_set((name, seed), work)]
            note_all(some, results, write_table)


if __name__ == "__main__":
    typer.run(main)
