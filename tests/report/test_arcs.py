"""Relations in the report: the two arcs as text, and drawn."""

import spacy
from spacy.tokens import Doc

from scripts.components import KINDS
from scripts.evaluation.cases import Case
from scripts.evaluation.changes import find_changes
from scripts.report.page import render_passages

WORDS = ["She", "bought", "<b>"]
GOLD = {(0, 1, "nsubj"), (1, 1, "ROOT"), (2, 1, "item")}


def passages(kind, gold, base, updated, labels):
    doc = Doc(spacy.blank("en").vocab, words=WORDS)
    KINDS[kind].set_facts(doc, gold)
    found = {"base": base, "updated": updated}
    rows = find_changes([Case(doc, KINDS[kind], gold, found)], labels, ["obj", "NN"])
    rows = [{"test": "new", **row} for row in rows]
    return rows, [*render_passages(rows, labels, labels)]


def test_changed_relation_is_shown_with_its_head_and_drawn():
    base = GOLD - {(2, 1, "item")} | {(2, 1, "obj")}
    (row,), (passage,) = passages("parser", GOLD, base, GOLD, {"item"})
    # Tokens whose relation is the same on all sides are not marked.
    assert row["base"] == [(11, 14, "obj ← bought")]
    assert row["updated"] == row["gold"] == [(11, 14, "item ← bought")]
    assert ("learned", "item") in row["changes"]
    assert passage["drawing"].count("<svg") == 3
    assert ">item<" in passage["drawing"] and ">obj<" in passage["drawing"]
    assert "&lt;b&gt;" in passage["drawing"] and "<b>" not in passage["drawing"]


def test_changed_tag_is_shown_alone_and_without_a_drawing():
    base = {(0, "PRP"), (1, "VBD"), (2, "NN")}
    updated = {(0, "PRP"), (1, "VBD"), (2, "CODE")}
    (row,), (passage,) = passages("tagger", updated, base, updated, {"CODE"})
    assert row["base"] == [(11, 14, "NN")] and row["updated"] == [(11, 14, "CODE")]
    assert "drawing" not in passage
