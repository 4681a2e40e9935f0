"""Tags, morphology and relations: what a person marks, what the base completes."""

import pytest
import spacy
from conftest import LISTENER, TOK2VEC, ner_model
from spacy.tokens import Doc, DocBin
from spacy.training import Example
from spacy.util import fix_random_seed

from scripts.components import KINDS
from scripts.components.kind import COMPLETE, MARKS, NewLabels
from scripts.components.parser import graft, tree_of

NLP = spacy.blank("en")
WORDS = ["She", "left", "the", "big", "house"]
# Heads as tokens; `left` is the root.
HEADS, DEPS = [1, 1, 4, 4, 1], ["nsubj", "ROOT", "det", "amod", "dobj"]
TAGS = ["PRP", "VBD", "DT", "JJ", "NN"]
MORPHS = [
    "POS=PRON",
    "POS=VERB|Tense=Past",
    "POS=DET",
    "POS=ADJ",
    "Number=Sing|POS=NOUN",
]
# A new label of each kind.
NEW = {"tagger": "NEW", "morphologizer": "POS=X", "parser": "NEW"}
LABELS = {"tagger": TAGS, "morphologizer": MORPHS, "parser": DEPS}
TAGGERS = ["tagger", "morphologizer"]


def facts_of(kind):
    """The facts that a base finds in the sentence."""
    if kind == "parser":
        return {*zip(range(5), HEADS, DEPS, strict=True)}
    return {*enumerate(LABELS[kind])}


def doc_with(kind, facts, complete=False):
    doc = Doc(NLP.vocab, words=WORDS)
    KINDS[kind].set_facts(doc, facts)
    if complete:
        doc.cats[COMPLETE] = 1.0
    return doc


@pytest.mark.parametrize("kind", LABELS)
def test_facts_are_read_as_they_were_set_and_stored(kind):
    doc, facts = doc_with(kind, facts_of(kind)), facts_of(kind)
    assert KINDS[kind].facts(doc) == facts
    stored = DocBin(attrs=KINDS[kind].ATTRS, docs=[doc]).to_bytes()
    (read,) = DocBin().from_bytes(stored).get_docs(spacy.blank("en").vocab)
    assert KINDS[kind].facts(read) == facts
    assert KINDS[kind].unseen_tokens(read) == set()


@pytest.mark.parametrize("kind", TAGGERS)
def test_token_without_a_label_was_not_annotated_unless_all_were_looked_at(kind):
    label = LABELS[kind][2]
    doc = doc_with(kind, {(2, label)})
    stored = DocBin(attrs=KINDS[kind].ATTRS, docs=[doc]).to_bytes()
    (read,) = DocBin().from_bytes(stored).get_docs(spacy.blank("en").vocab)
    assert KINDS[kind].facts(read) == {(2, label)}
    assert KINDS[kind].unseen_tokens(read) == {0, 1, 3, 4}
    assert KINDS[kind].unseen_tokens(doc_with(kind, {(2, label)}, True)) == set()


@pytest.mark.parametrize("kind", TAGGERS)
def test_base_completes_tags_and_a_person_s_tag_wins(kind):
    base, new = facts_of(kind), NEW[kind]
    doc = doc_with(kind, {(2, new)})
    added = KINDS[kind].complete(doc, doc_with(kind, base), [new])
    others = {fact for fact in base if fact[0] != 2}
    assert added == others
    assert KINDS[kind].facts(doc) == others | {(2, new)}


@pytest.mark.parametrize("kind", TAGGERS)
def test_label_is_missing_where_the_base_predicts_one_that_was_looked_for(kind):
    # A person looked at every token for the label of "house", and marked "left".
    base, label = facts_of(kind), LABELS[kind][4]
    doc = doc_with(kind, {(1, label)}, complete=True)
    KINDS[kind].complete(doc, doc_with(kind, base), [label])
    found = dict(KINDS[kind].facts(doc))
    assert found[1] == label and 4 not in found
    assert found.keys() == {0, 1, 2, 3}


@pytest.mark.parametrize(
    "arcs, expected",
    [
        # The base's arcs stay where nothing contradicts them.
        ([(3, 4, "NEW")], [1, 1, 4, 4, 1]),
        # "big" becomes the object: "house" leaves its place below it.
        ([(4, 3, "NEW")], [1, 1, 4, 1, 3]),
        # A new root takes the old one below it.
        ([(4, 4, "ROOT")], [1, 4, 4, 4, 4]),
        # The root moves below a descendant, which becomes the root.
        ([(1, 4, "NEW")], [1, 4, 4, 4, 4]),
        ([(1, 2, "NEW")], [1, 2, 4, 4, 4]),
        # Two arcs at once.
        ([(4, 3, "NEW"), (3, 1, "NEW")], [1, 1, 4, 1, 3]),
    ],
)
def test_trees_stay_trees_with_a_person_s_arcs_in_them(arcs, expected):
    doc = doc_with("parser", arcs)
    KINDS["parser"].complete(doc, doc_with("parser", facts_of("parser")), ["NEW"])
    heads, deps = tree_of(doc)
    assert heads == expected
    assert all(deps)
    assert {*arcs} <= KINDS["parser"].facts(doc)
    roots = [i for i, head in enumerate(heads) if head == i]
    assert [deps[i] for i in roots] == ["ROOT"]


@pytest.mark.parametrize("seed", range(200))
def test_any_arcs_make_a_tree(seed):
    import random

    rng, n = random.Random(seed), 9
    heads = [rng.randrange(i) if i else 0 for i in range(n)]
    order = rng.sample(range(n), n)
    heads = [order[heads[order.index(i)]] for i in range(n)]
    deps = ["ROOT" if head == i else "dep" for i, head in enumerate(heads)]
    # Arcs of another tree, so that a person's own make no cycle.
    other = [rng.randrange(i) if i else 0 for i in range(n)]
    order = rng.sample(range(n), n)
    arcs = [(order[i], order[other[i]]) for i in rng.sample(range(n), 4)]
    arcs = [(i, head, "ROOT" if head == i else "X") for i, head in arcs]
    graft(heads, deps, arcs)
    assert [i for i in range(n) if heads[i] == i] == [
        i for i in range(n) if deps[i] == "ROOT"
    ]
    assert sum(head == i for i, head in enumerate(heads)) == 1
    for i, head, label in arcs:
        assert (heads[i], deps[i]) == (head, label)
    for i in range(n):
        seen = set()
        while heads[i] != i:
            assert i not in seen
            seen.add(i)
            i = heads[i]


@pytest.mark.parametrize(
    "facts, is_sentence, is_complete, reason",
    [
        ({(0, 1, "a"), (1, 0, "a")}, False, False, "a cycle of relations: She ← left"),
        ({(0, 0, "ROOT"), (1, 1, "ROOT")}, True, False, "two roots in a sentence"),
        ({(0, 1, "a")}, False, True, "a tree in pieces: 'left' has no head"),
    ],
)
def test_arcs_that_are_no_tree_are_refused(facts, is_sentence, is_complete, reason):
    doc = Doc(NLP.vocab, words=WORDS)
    with pytest.raises(ValueError, match=reason):
        KINDS["parser"].check(doc, facts, is_sentence, is_complete)


@pytest.mark.parametrize(
    "kind, label",
    [("tagger", "!NN"), ("tagger", "_"), ("parser", "-"), ("morphologizer", "NN")],
)
def test_label_that_spacy_takes_for_something_else_is_refused(kind, label):
    with pytest.raises(ValueError, match="cannot learn"):
        KINDS[kind].check_label(KINDS[kind].to_label(label))


@pytest.mark.parametrize("kind", TAGGERS)
def test_mark_counts_where_the_new_label_was_carved_out_and_both_agree(kind):
    base, label, old = facts_of(kind), NEW[kind], LABELS[kind][4]
    new = NewLabels([label], {label: [old]}, {})
    for agreed in (True, False):
        doc = doc_with(kind, base)
        # The base is right where it predicts another label.
        KINDS[kind].mark(doc, {(4, label), (0, label)}, [], new)
        assert KINDS[kind].marked_facts(doc) == {(4, label)}
        predicted = doc_with(kind, {(4, label)} if agreed else base)
        assert KINDS[kind].keep_agreed(doc, predicted, [label])
        expected = {fact for fact in base if fact[0] != 4}
        assert KINDS[kind].facts(doc) == expected | ({(4, label)} if agreed else set())


def test_tree_with_a_mark_that_is_not_agreed_is_not_learned_from():
    parser, new = KINDS["parser"], NewLabels(["NEW"], {"NEW": ["amod"]}, {})
    for predicted, learned in (({(3, 4, "NEW")}, True), (facts_of("parser"), False)):
        doc = doc_with("parser", facts_of("parser"))
        parser.mark(doc, {(3, 4, "NEW"), (2, 4, "NEW")}, [], new)
        assert parser.marked_facts(doc) == {(3, 4, "NEW")}
        assert [span.kb_id_ for span in doc.spans[MARKS]] == ["4"]
        agreed = doc_with("parser", predicted)
        assert parser.keep_agreed(doc, agreed, ["NEW"]) is learned
        assert ((3, 4, "NEW") in parser.facts(doc)) is learned


def make_base():
    """A tiny base with a tagger, a morphologizer and a parser on one tok2vec."""
    fix_random_seed(0)
    nlp = spacy.blank("en")
    nlp.add_pipe("tok2vec", config={"model": TOK2VEC})
    tagger = {"@architectures": "spacy.Tagger.v2", "tok2vec": LISTENER}
    parser = {**ner_model(LISTENER), "state_type": "parser"}
    for name in LABELS:
        model = parser if name == "parser" else tagger
        nlp.add_pipe(name, config={"model": model})
    for label in DEPS:
        nlp.get_pipe("parser").add_label(label)
    doc = Doc(nlp.vocab, words=WORDS)
    for kind in LABELS:
        KINDS[kind].set_facts(doc, facts_of(kind))
    examples = [Example(nlp.make_doc(doc.text), doc)]
    optimizer = nlp.initialize(lambda: examples)
    for _ in range(30):
        nlp.update(examples, sgd=optimizer)
    ruler = nlp.add_pipe("attribute_ruler")
    ruler.add([[{"TAG": "NN"}]], {"POS": "NOUN", "MORPH": "Number=Sing"})
    return nlp


@pytest.fixture(scope="module")
def token_base():
    return make_base()


@pytest.mark.parametrize("kind", LABELS)
def test_component_finds_and_is_sure_of_what_it_learned(token_base, kind):
    doc = token_base(" ".join(WORDS))
    assert KINDS[kind].facts(doc) == facts_of(kind)
    bare = token_base.make_doc(doc.text)
    token_base.get_pipe("tok2vec")(bare)
    (scores,) = KINDS[kind].scored_facts(token_base, kind, [bare])
    assert facts_of(kind) <= scores.keys()


@pytest.mark.parametrize("kind", LABELS)
def test_grown_component_survives_saving_and_begins_as_the_parent(kind, tmp_path):
    nlp, label, new = make_base(), LABELS[kind][4], NEW[kind]
    alone = KINDS[kind].make_start(
        nlp, kind, kind, NewLabels([new], {new: [label]}, {})
    )
    assert alone.component_names == [kind]
    alone.to_disk(tmp_path)
    grown = spacy.load(tmp_path)
    assert new in grown.pipe_labels[kind]
    # The old label is still the likelier one, and the new one is the next.
    assert KINDS[kind].facts(grown(" ".join(WORDS))) == facts_of(kind)
    doc = Doc(grown.vocab, words=WORDS)
    taught = {
        (*fact[:-1], new if fact[0] == 4 else fact[-1]) for fact in facts_of(kind)
    }
    KINDS[kind].set_facts(doc, taught)
    optimizer = grown.resume_training()
    for _ in range(40):
        grown.update([Example(grown.make_doc(doc.text), doc)], sgd=optimizer)
    assert KINDS[kind].facts(grown(doc.text)) == taught


@pytest.mark.parametrize(
    "new, expected",
    [
        (NewLabels(["CODE"], {"CODE": ["NN"]}, {}), "NOUN"),
        (NewLabels(["CODE"], {"CODE": ["NN"]}, {"CODE": "VERB"}), "VERB"),
        (NewLabels(["CODE"], {"CODE": ["XX"]}, {}), ""),
    ],
)
def test_new_tag_has_the_part_of_speech_of_its_parent_or_the_one_that_is_set(
    new, expected
):
    nlp = make_base()
    changed = KINDS["tagger"].finish(nlp, new)
    assert changed == (["attribute_ruler"] if expected else [])
    doc = nlp.make_doc("house")
    doc[0].tag_ = "CODE"
    assert nlp.get_pipe("attribute_ruler")(doc)[0].pos_ == expected


def test_labels_are_aligned_where_two_pipelines_split_a_text_otherwise():
    gold = Doc(
        NLP.vocab, words=["It", "is", "n't", "so"], spaces=[True, False, True, False]
    )
    predicted = Doc(NLP.vocab, words=["It", "isn't", "so"], spaces=[True, True, False])
    for token, tag in zip(predicted, ["A", "B", "C"], strict=True):
        token.tag_ = tag
    assert KINDS["tagger"].aligned_facts(predicted, gold) >= {(0, "A"), (3, "C")}
