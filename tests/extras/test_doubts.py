import pytest
import spacy
from spacy.tokens import Doc, Span

from scripts.components import KINDS
from scripts.components.kind import COMPLETE
from scripts.extras.doubts import BOUNDS, DENIED, FOUND, LABEL, Text, find_doubts

NLP = spacy.blank("en")
NER = KINDS["ner"]


def text_of(words, own=(), likely=(), base=()):
    """A doc with entities, and what a specialist and the base find in it."""
    doc = Doc(NLP.vocab, words.split())
    doc.set_ents([Span(doc, *fact) for fact in own])
    return Text(doc, dict(likely), {*base})


def first(texts, number=-1, labels=("DRUG", "ILL")):
    """The largest doubt in one of some texts, without its score."""
    doubts = find_doubts(texts, NER, labels)[number]
    return doubts[0][1:] if doubts else None


GOOD = [
    text_of("He takes black tar daily", [(2, 4, "DRUG")], {(2, 4, "DRUG"): 0.9}),
    text_of("Black tar is bad", [(0, 2, "DRUG")], {(0, 2, "DRUG"): 0.9}),
    text_of("Tar for the road"),
]


def test_annotations_on_which_all_agree_are_not_in_doubt():
    assert find_doubts(GOOD, NER, ["DRUG"]) == [[], [], []]


# Of what a specialist finds, and of what else it finds likely, in "She sold black tar".
HERE, PART, TAR = (2, 4, "DRUG"), (2, 3, "DRUG"), (3, 4, "DRUG")


@pytest.mark.parametrize(
    "own, likely, doubt",
    [
        ([], {HERE: 0.9}, (FOUND[0], None, HERE)),
        ([], {}, None),
        ([PART], {HERE: 0.9}, (BOUNDS, PART, HERE)),
        ([(2, 4, "ILL")], {HERE: 0.9}, (LABEL, (2, 4, "ILL"), HERE)),
        ([(1, 2, "DRUG")], {}, (DENIED[0], (1, 2, "DRUG"), None)),
        # Marked so everywhere else: the specialist alone is not believed.
        ([HERE], {HERE: 0.4}, None),
        ([HERE], {HERE: 0.9, PART: 0.1}, None),
        # The label was not annotated.
        ([], {(1, 2, "ORG"): 0.9}, None),
    ],
)
def test_kind_of_doubt_is_that_of_what_is_suggested(own, likely, doubt):
    assert first([*GOOD, text_of("She sold black tar", own, likely)]) == doubt


def test_same_words_that_are_marked_elsewhere_are_missed_here():
    # At half, neither speaks for the other.
    texts = [*GOOD * 5, text_of("BLACK TAR again", likely={(0, 2, "DRUG"): 0.5})]
    assert first(texts) == (FOUND[1], None, (0, 2, "DRUG"))
    texts = [*GOOD, *[text_of("some of it")] * 5]
    texts.append(text_of("some of it", [(0, 1, "DRUG")], {(0, 1, "DRUG"): 0.5}))
    assert first(texts) == (DENIED[1], (0, 1, "DRUG"), None)


def test_what_the_base_finds_is_missed_if_it_is_mostly_right():
    oslo = (0, 1, "GPE")
    seen = [text_of("Oslo is far", [oslo], {oslo: 0.9}, [oslo])] * 9
    found = text_of("Lima is far", likely={oslo: 0.4}, base=[oslo])
    assert first([*seen, found], labels=["GPE"]) == (FOUND[2], None, oslo)
    assert first([*seen, found._replace(base={*()})], labels=["GPE"]) is None
    assert first([*seen, found], labels=["DRUG"]) is None
    wrong = [text_of("Rome is far", base=[oslo])] * 30
    assert first([*seen, *wrong, found], labels=["GPE"]) is None


def test_text_that_nobody_looked_at_and_rejected_spans_are_not_in_doubt():
    found = text_of("She sold black tar", likely={HERE: 0.9, TAR: 0.8})
    found.doc.set_ents([], missing=[found.doc[2:4]])
    assert first([*GOOD, found]) is None
    found.doc.set_ents([])
    found.doc.spans["incorrect_spans"] = [Span(found.doc, 2, 4, "DRUG")]
    assert first([*GOOD, found]) == (FOUND[0], None, TAR)


def test_the_best_of_suggestions_that_overlap_is_made_once():
    text = text_of("She sold black tar", likely={HERE: 0.9, TAR: 0.8, PART: 0.7})
    [doubt] = find_doubts([*GOOD, text], NER, ["DRUG"])[-1]
    assert doubt.suggested == HERE


@pytest.mark.parametrize("is_complete", [True, False])
def test_a_token_with_no_tag_is_in_doubt_if_somebody_looked_at_it(is_complete):
    docs = [Doc(NLP.vocab, ["I", "must", "go"]) for _ in range(4)]
    for doc in docs[:-1]:
        doc[1].tag_ = "MD"
    if is_complete:
        docs[-1].cats[COMPLETE] = 1.0
    texts = [Text(doc, {(1, "MD"): 0.9, (2, "MD"): 0.1}, set()) for doc in docs]
    found = find_doubts(texts, KINDS["tagger"], ["MD"])
    suggested = [(1, "MD")] if is_complete else []
    assert [doubt.suggested for doubts in found for doubt in doubts] == suggested


def test_another_head_than_that_of_a_specialist_is_in_doubt():
    def tree(head):
        words, heads = ["old", "red", "cars"], [head, 2, 2]
        return Doc(NLP.vocab, words, heads=heads, deps=["amod", "amod", "ROOT"])

    likely = {(0, 2, "amod"): 0.9, (1, 2, "amod"): 0.9, (2, 2, "ROOT"): 0.9}
    texts = [Text(tree(head), likely, set()) for head in (2, 2, 2, 1)]
    *others, [doubt] = find_doubts(texts, KINDS["parser"], ["amod", "ROOT"])
    assert others == [[], [], []]
    assert doubt[1:] == (BOUNDS, (0, 1, "amod"), (0, 2, "amod"))
