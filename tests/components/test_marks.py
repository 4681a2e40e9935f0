"""What a specialist marks in rehearsal docs, and what training makes of it."""

from collections import Counter

import pytest
from conftest import NLP, TEXTS, make_pipeline
from spacy.tokens import Span

from scripts.components import KINDS
from scripts.components.kind import MARKS, SURE, NewLabels
from scripts.components.ner import INCORRECT, to_facts

NER = KINDS["ner"]

PERSON, ORG, NEW = (0, 2, "PERSON"), (3, 4, "ORG"), (0, 1, "NEW")


def doc_with(*ents, marks=(), missing=()):
    """A doc of five tokens with entities and marks, all by tokens."""
    doc = NLP.make_doc("Anna Berg left Acme yesterday")
    spans = [Span(doc, i, i + 1) for i in missing]
    doc.set_ents([Span(doc, *ent) for ent in ents], missing=spans)
    if marks:
        doc.spans[MARKS] = [Span(doc, *each) for each in marks]
    return doc


@pytest.mark.parametrize(
    "marks, predicted, ents, missing",
    [
        # Agreed: an entity, in the place of the base's if they overlap.
        ([(4, 5, "NEW")], [(4, 5, "NEW")], {PERSON, ORG, (4, 5, "NEW")}, set()),
        ([(3, 4, "NEW")], [(3, 4, "NEW")], {PERSON, (3, 4, "NEW")}, set()),
        # The rest of the base's entity is not known to be one, nor to be none.
        ([NEW], [NEW], {NEW, ORG}, {1}),
        ([(0, 3, "NEW")], [(0, 3, "NEW")], {(0, 3, "NEW"), ORG}, set()),
        # Not agreed: neither the mark nor the base's entity teaches anything.
        ([(4, 5, "NEW")], [], {PERSON, ORG}, {4}),
        ([(2, 3, "NEW")], [(2, 4, "NEW")], {PERSON, ORG}, {2}),
        ([(4, 5, "NEW")], [(4, 5, "OTHER")], {PERSON, ORG}, {4}),
        ([(1, 3, "NEW")], [], {ORG}, {0, 1, 2}),
        # One of each.
        ([NEW, (3, 5, "NEW")], [NEW], {NEW}, {1, 3, 4}),
        # Another pipeline's finding without a mark is none.
        ([NEW], [NEW, (4, 5, "NEW")], {NEW, ORG}, {1}),
    ],
)
def test_agreed_marks_become_entities_and_doubtful_tokens_become_missing(
    marks, predicted, ents, missing
):
    doc = doc_with(PERSON, ORG, marks=marks)
    NER.keep_agreed(doc, doc_with(*predicted), {"NEW"})
    assert NER.facts(doc) == ents
    assert NER.unseen_tokens(doc) == missing


def test_mark_of_a_label_that_is_rare_is_not_learned():
    doc = doc_with(PERSON, ORG, marks=[NEW])
    NER.keep_agreed(doc, doc_with(NEW), set())
    assert NER.facts(doc) == {ORG}
    assert NER.unseen_tokens(doc) == {0, 1}


@pytest.mark.parametrize(
    "carved, marked",
    [
        ({}, {(4, 5, "NEW")}),
        ({"NEW": []}, {(4, 5, "NEW")}),
        ({"NEW": ["PERSON"]}, {NEW, (4, 5, "NEW")}),
        ({"OTHER": ["PERSON", "ORG"]}, {(4, 5, "NEW")}),
        ({"NEW": ["PERSON", "ORG"]}, {NEW, (3, 4, "NEW"), (4, 5, "NEW")}),
    ],
)
def test_mark_is_set_where_the_base_sees_nothing_or_what_the_type_was_carved_out_of(
    carved, marked
):
    doc = doc_with(PERSON, ORG)
    found = {NEW, (2, 3, "GPE"), (3, 4, "NEW"), (4, 5, "NEW")}
    NER.mark(doc, found, [], NewLabels(["NEW"], carved, {}))
    assert to_facts(doc.spans[MARKS]) == marked
    assert NER.marked_facts(doc) == marked
    # The base's entities stay: training decides between them and the marks.
    assert NER.facts(doc) == {PERSON, ORG}


def test_mark_over_two_entities_needs_both_labels():
    doc = doc_with(PERSON, ORG)
    for labels, n_marks in ((["PERSON"], 0), (["PERSON", "ORG"], 1)):
        NER.mark(doc, {(1, 4, "NEW")}, [], NewLabels(["NEW"], {"NEW": labels}, {}))
        assert len(doc.spans[MARKS]) == n_marks
        assert len(NER.marked_facts(doc)) == n_marks


def test_overlaps_with_the_base_are_counted_once_for_an_annotation_and_a_label():
    person = doc_with((0, 4, "NEW"), (4, 5, "ORG"))
    base = doc_with((0, 1, "PERSON"), (1, 2, "PERSON"), ORG, (4, 5, "ORG"))
    expected = {("NEW", ""): 1, ("NEW", "PERSON"): 1, ("NEW", "ORG"): 1}
    assert NER.covered(person, base) == Counter({**expected, ("ORG", ""): 1})


@pytest.mark.parametrize(
    "labels, found_before, ents, missing",
    [
        # A second NER: of the base's entities it learns that they are none of its own.
        (["NEW"], [], {(4, 5, "NEW")}, {2}),
        # The base's own: what the second finds before it teaches nothing.
        (["PERSON", "ORG"], ["NEW"], {PERSON, ORG}, {2, 4}),
        # Both labels in one NER.
        (["PERSON", "ORG", "NEW"], [], {PERSON, ORG, (4, 5, "NEW")}, {2}),
    ],
)
def test_each_ner_learns_its_own_labels(labels, found_before, ents, missing):
    doc = doc_with(PERSON, ORG, (4, 5, "NEW"), missing=[2])
    doc.spans[INCORRECT] = [Span(doc, 2, 3, "NEW"), Span(doc, 2, 3, "ORG")]
    NER.select(doc, labels, found_before)
    assert NER.facts(doc) == ents
    assert NER.unseen_tokens(doc) == missing
    rejected = {label for *_, label in to_facts(doc.spans[INCORRECT])}
    assert rejected == {"NEW", "ORG"} & {*labels}


def sure(nlp, texts):
    """What an NER is sure of."""
    scored = NER.scored_facts(nlp, "ner", map(nlp.make_doc, texts))
    return [{fact for fact in some if some[fact] >= SURE} for some in scored]


def test_findings_are_sure_only_if_no_other_parse_is_likely():
    nlp = make_pipeline("own")
    texts = [text for text, _ in TEXTS]
    found = [NER.facts(doc) for doc in nlp.pipe(texts)]
    assert sum(map(len, found)) == 7
    # It has learned these sentences by heart.
    assert sure(nlp, texts) == found
    # The same findings by scores that are close to each other: guesses.
    upper = nlp.get_pipe("ner").model.get_ref("upper")
    for name in upper.param_names:
        upper.set_param(name, upper.get_param(name) / 10)
    assert [NER.facts(doc) for doc in nlp.pipe(texts)] == found
    assert not any(sure(nlp, texts))


@pytest.mark.parametrize("labels, missing", [(["NEW"], {2, 4}), ([], set())])
def test_what_the_specialist_finds_likely_is_not_taught_as_none_if_it_is_frequent(
    labels, missing
):
    doc = doc_with(PERSON, ORG)
    likely = {(4, 5, "NEW"): 0.2, (2, 3, "NEW"): 0.1, (0, 1, "NEW"): 0.1}
    NER.mark(doc, [], likely, NewLabels(["NEW"], {}, {}))
    assert NER.is_marked(doc) and not NER.marked_facts(doc)
    NER.keep_agreed(doc, doc_with(), labels)
    assert NER.facts(doc) == {PERSON, ORG}
    assert NER.unseen_tokens(doc) == missing
