"""Score the base and the updated pipeline side by side, and stop if it forgot.

Input: both pipelines, the new test as a person annotated it and the old test,
`.spacy` files. Output: `training/metrics.json`, and a table. Exit code 1 if the
updated pipeline keeps or learns less than it must.

    python -m scripts.evaluate training/base training/update/model-best \
        corpus/update training/metrics.json
"""

from pathlib import Path
from typing import Annotated, Any

import spacy
import srsly
import typer
from spacy.language import Language
from spacy.scorer import Scorer
from spacy.tokens import Doc
from spacy.training import Example
from tqdm import tqdm
from wasabi import msg
from weasel.util.hashing import get_checksum

from scripts.command import run
from scripts.files import read_docs, written_whole
from scripts.functions import looked_at_in

METRICS_VERSION = 1
WHO = ("base", "updated")
NOTHING = {"p": 0.0, "r": 0.0, "f": 0.0}
Scores = dict[str, Any]


def predict(nlp: Language, gold: list[Doc], n_process: int) -> list[Example]:
    """Let a pipeline annotate the texts of gold docs.

    Args:
        nlp: The pipeline.
        gold: The gold docs.
        n_process: Processes; -1 for all cores.

    Returns:
        An example for each doc: predicted beside gold.
    """
    texts = tqdm(
        (doc.text for doc in gold), total=len(gold), unit=" docs", disable=None
    )
    docs = nlp.pipe(texts, n_process=n_process)
    return [Example(doc, reference) for doc, reference in zip(docs, gold, strict=True)]


def score(examples: list[Example], labels: set[str]) -> Scores:
    """Score entities with spaCy's Scorer, for the labels and where a person looked.

    Args:
        examples: The examples.
        labels: The labels that count; all others are as if they were not there.

    Returns:
        `p`, `r`, `f` from 0 to 1, and the same for each label under `labels`.
    """
    getter = looked_at_in(examples, labels)
    scores = Scorer.score_spans(examples, "ents", getter=getter, allow_overlap=False)
    prf = {key: scores.get(f"ents_{key}") or 0.0 for key in "prf"}
    return {**prf, "labels": scores.get("ents_per_type") or {}}


def compare(base: Scores, updated: Scores) -> Scores:
    """Put the scores of both pipelines side by side, in all and by label."""
    both = {"base": base, "updated": updated}
    labels = sorted({*base["labels"], *updated["labels"]})
    return {
        **{who: {key: both[who][key] for key in "prf"} for who in both},
        "labels": {
            label: {who: both[who]["labels"].get(label, NOTHING) for who in both}
            for label in labels
        },
    }


def fates(before: list[Example], after: list[Example], old: set[str]) -> dict[str, int]:
    """Say what became of the old entities that the base found.

    A type carved out of an old one takes entities with it: that is what its
    annotations ask for, and no forgetting. Whether it took the right ones, gold of
    the old types can't tell.

    Args:
        before: What the base predicts, beside gold.
        after: What the updated pipeline predicts, beside the same gold.
        old: The labels of the base.

    Returns:
        How many are `kept`, how many `moved` (a new label overlaps them) and how
        many are `forgotten`.
    """
    counts = {"kept": 0, "moved": 0, "forgotten": 0}
    for was, now in zip(before, after, strict=True):
        found, left = ({*spans_of(eg.predicted)} for eg in (was, now))
        new = [(start, end) for start, end, label in left if label not in old]
        for start, end, label in found.intersection(spans_of(was.reference)):
            is_new = any(s < end and start < e for s, e in new)
            is_kept = (start, end, label) in left
            counts["kept" if is_kept else "moved" if is_new else "forgotten"] += 1
    return counts


def spans_of(doc: Doc) -> list[tuple[int, int, str]]:
    """List the entities of a doc: start and end in tokens, end exclusive, label."""
    return [(ent.start, ent.end, ent.label_) for ent in doc.ents]


def evaluate(
    base: Language,
    updated: Language,
    test: list[Doc],
    old_test: list[Doc],
    n_process: int = 1,
) -> Scores:
    """Score both pipelines on what was to be learned and what was to be kept.

    Args:
        base: The pipeline before the update.
        updated: The pipeline after it.
        test: Docs as a person annotated them; the labels that occur are scored.
        old_test: Docs with the old types; the labels of the base's NER are scored.
        n_process: Processes for each pipeline; -1 for all cores.

    Returns:
        `retention`, F on the old types after ÷ before; `old` and `new`, each with
        `p`, `r`, `f` of `base` and `updated` and the same by label; `labels`, all of
        them at once; `spurious`, entities of new types in 1,000 docs of the old test;
        `fates`, of the old entities that the base found.

    Raises:
        ValueError: If the base finds nothing in the old test.
    """
    old_labels = set(base.get_pipe("ner").labels)
    new_labels = {ent.label_ for doc in test for ent in doc.ents}
    pipelines = (base, updated)
    on_old = [predict(nlp, old_test, n_process) for nlp in pipelines]
    on_new = [predict(nlp, test, n_process) for nlp in pipelines]
    old = compare(*(score(examples, old_labels) for examples in on_old))
    new = compare(*(score(examples, new_labels) for examples in on_new))
    if not old["base"]["f"]:
        raise ValueError("The base finds no entity of the old test: give another.")
    added = [
        sum(ent.label_ not in old_labels for ent in eg.predicted.ents)
        for eg in on_old[1]
    ]
    return {
        "retention": old["updated"]["f"] / old["base"]["f"],
        "old": old,
        "new": new,
        "labels": {**old["labels"], **new["labels"]},
        "spurious": 1000 * sum(added) / len(added),
        "fates": fates(*on_old, old_labels),
    }


def rows_of(half: Scores) -> list[tuple[str, ...]]:
    """Lay out one test as rows of a table: in points, the change in F last."""
    rows = []
    for label, both in {"all": half, **half["labels"]}.items():
        points = [100 * both[who][key] for who in WHO for key in "prf"]
        cells = [f"{x:.1f}" for x in points]
        rows.append((label, *cells, f"{points[5] - points[2]:+.1f}"))
    return rows


def main(
    base_dir: Annotated[Path, typer.Argument(help="The pipeline before.")],
    updated_dir: Annotated[Path, typer.Argument(help="The pipeline after.")],
    corpus_dir: Annotated[Path, typer.Argument(help="What rehearse wrote.")],
    account_path: Annotated[Path, typer.Argument(help="What rehearse counted.")],
    output_path: Annotated[Path, typer.Argument(help="JSON file of scores.")],
    min_retention: Annotated[float, typer.Option(help="Least old F ÷ base F.")] = 0.0,
    min_new_f: Annotated[float, typer.Option(help="Least F on the new test.")] = 0.0,
    n_process: Annotated[int, typer.Option(help="Processes; -1: all cores.")] = 1,
) -> None:
    """Score the base and the updated pipeline, and stop if it forgot."""
    base, updated = spacy.load(base_dir), spacy.load(updated_dir)
    test, old_test = (
        list(read_docs(corpus_dir / f"{name}.spacy", base.vocab))
        for name in ("test", "old_test")
    )
    metrics = evaluate(base, updated, test, old_test, n_process)
    new_f = metrics["new"]["updated"]["f"]
    kept, learned = metrics["retention"] >= min_retention, new_f >= min_new_f
    is_gold = srsly.read_json(account_path)["old_test_is_gold"]
    with written_whole(output_path) as beside:
        head = {
            "version": METRICS_VERSION,
            "passed": kept and learned,
            "old_test_is_gold": is_gold,
            "pipeline": get_checksum(updated_dir),
        }
        srsly.write_json(beside, {**head, **metrics})
    for name, title in (("new", "new test"), ("old", "old test")):
        header = (title, "base P", "R", "F", "updated P", "R", "F", "change")
        msg.table(
            rows_of(metrics[name]), header=header, divider=True, aligns=[*"lrrrrrrr"]
        )
    if not is_gold:
        msg.info(
            "The old test is the base's own annotations of text nobody trained on."
        )
    msg.text(
        "Of the old entities that the base found, {kept} are kept, {moved} have a new "
        "label, {forgotten} are forgotten.".format(**metrics["fates"])
    )
    verdict = f"retention {metrics['retention']:.3f}, new F {100 * new_f:.1f}"
    if not kept:
        raise ValueError(
            f"It forgot: {verdict}; vars.min_retention is {min_retention}."
        )
    if not learned:
        raise ValueError(f"It did not learn: {verdict}; vars.min_new_f is {min_new_f}.")
    msg.good(f"Kept and learned: {verdict}: {output_path}")


if __name__ == "__main__":
    run(main)
