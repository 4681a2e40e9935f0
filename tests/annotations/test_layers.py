"""Tags, morphology and relations at the door: each format, and what does not fit."""

import json

import pytest
import spacy
import srsly
from spacy.tokens import Doc, DocBin

from scripts.annotations.align import Options
from scripts.annotations.convert import convert_file
from scripts.components import KINDS
from scripts.docs import read_docs
from scripts.preprocess import main

CONLLU = """# newdoc id = news-1
# sent_id = 1
# text = She can't go to the café.
1\tShe\tshe\tPRON\tPRP\tCase=Nom|Number=Sing\t4\tnsubj\t_\t_
2-3\tcan't\t_\t_\t_\t_\t_\t_\t_\t_
2\tca\tcan\tAUX\tMD\tVerbForm=Fin\t4\taux\t_\t_
3\tn't\tnot\tPART\tRB\t_\t4\tadvmod\t_\t_
4\tgo\tgo\tVERB\tVB\tVerbForm=Inf\t0\troot\t_\t_
5\tto\tto\tADP\tIN\t_\t7\tcase\t_\t_
6\tthe\tthe\tDET\tDT\tDefinite=Def\t7\tdet\t_\t_
7\tcafé\tcafé\tNOUN\tNN\tNumber=Sing\t4\tobl\t_\tSpaceAfter=No
7.1\tthen\tthen\tADV\tRB\t_\t_\t_\t4:advmod\t_
8\t.\t.\tPUNCT\t.\t_\t4\tpunct\t_\t_

"""
# A word whose parts do not stand in the text.
AU_BAR = (
    "# text = Il va au bar\n"
    "1\tIl\til\tPRON\tP\t_\t2\tnsubj\t_\t_\n"
    "2\tva\taller\tVERB\tV\t_\t0\troot\t_\t_\n"
    "3-4\tau\t_\t_\t_\t_\t_\t_\t_\t_\n"
    "3\tà\tà\tADP\tA\t_\t5\tcase\t_\t_\n"
    "4\tle\tle\tDET\tD\t_\t5\tdet\t_\t_\n"
    "5\tbar\tbar\tNOUN\tN\t_\t2\tobl\t_\t_\n"
)
TAGS = ["PRP", "MD", "RB", "VB", "IN", "DT", "NN", "."]
UPOS = ["PRON", "AUX", "PART", "VERB", "ADP", "DET", "NOUN", "PUNCT"]
DEPS = ["nsubj", "aux", "advmod", "ROOT", "case", "det", "obl", "punct"]
HEADS = [3, 3, 3, 3, 6, 6, 3, 3]
WORDS = ["She", "ca", "n't", "go", "to", "the", "café", "."]
TEXT = "She can't go to the café."


def convert(tmp_path, content, component, **options):
    """Convert a file for a component of a blank pipeline."""
    path = tmp_path / "in"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    outputs = {"account_path": tmp_path / "a.json", "rejected_path": tmp_path / "r"}
    options = {"base": "blank:en", "max_rejected": 1.0, **outputs, **options}
    reasons = []
    try:
        main(str(path), tmp_path / "out", component=component, **options)
    except ValueError as error:
        reasons = [str(error)]
    reasons += [row["reason"] for row in srsly.read_jsonl(tmp_path / "r")]
    account = srsly.read_json(tmp_path / "a.json")
    for what in ("rows", "spans"):
        assert account[what].pop("in") == sum(account[what].values()), what
    folder, kind = tmp_path / "out" / "train", KINDS[component]
    docs = [*read_docs(folder, spacy.blank("en").vocab)] if folder.exists() else []
    return [kind.facts(doc) for doc in docs], account, " ".join(reasons)


def full_doc():
    """The sentence with all annotations."""
    nlp = spacy.blank("en")
    doc = nlp.make_doc(TEXT)
    assert [token.text for token in doc] == WORDS
    KINDS["tagger"].set_facts(doc, enumerate(TAGS))
    labels = [f"POS={name}" for name in UPOS]
    KINDS["morphologizer"].set_facts(doc, enumerate(labels))
    KINDS["parser"].set_facts(doc, zip(range(8), HEADS, DEPS, strict=True))
    return doc


def with_offsets(label=lambda i: True):
    """Tokens with their offsets, as annotation tools write them."""
    doc = full_doc()
    return [
        {"id": i, "text": t.text, "start": t.idx, "end": t.idx + len(t)}
        for i, t in enumerate(doc)
        if label(i)
    ]


def tag_spans(only=range(8)):
    places = with_offsets()
    return [{**places[i], "label": TAGS[i]} for i in only]


RELATIONS = [{"child": i, "head": HEADS[i], "label": DEPS[i]} for i in range(8)]
EXPECTED = {
    "tagger": {*enumerate(TAGS)},
    "parser": {*zip(range(8), HEADS, DEPS, strict=True)},
}


@pytest.mark.parametrize(
    "component, content",
    [
        ("tagger", CONLLU),
        ("parser", CONLLU),
        ("tagger", json.dumps({"text": TEXT, "spans": tag_spans()})),
        # Prodigy's pos.correct, and its dep.correct and rel.manual.
        (
            "tagger",
            json.dumps(
                {
                    "text": TEXT,
                    "tokens": with_offsets(),
                    "spans": tag_spans(),
                    "answer": "accept",
                }
            ),
        ),
        (
            "parser",
            json.dumps(
                {
                    "text": TEXT,
                    "tokens": with_offsets(),
                    "relations": RELATIONS,
                    "answer": "accept",
                }
            ),
        ),
        ("tagger", json.dumps(full_doc().to_json())),
        ("parser", json.dumps(full_doc().to_json())),
        ("tagger", DocBin(docs=[full_doc()]).to_bytes()),
        ("parser", DocBin(docs=[full_doc()]).to_bytes()),
    ],
)
def test_each_format_gives_the_same_tags_and_relations(tmp_path, component, content):
    (facts,), account, reasons = convert(tmp_path, content, component)
    assert facts == EXPECTED[component]
    assert not reasons and account["spans"]["rejected"] == 0


@pytest.mark.parametrize(
    "row, component, expected",
    [
        ({"tags": ["DT", "NN"]}, "tagger", {(0, "DT"), (1, "NN")}),
        ({"tags": ["DT", "_"]}, "tagger", {(0, "DT")}),
        ({"upos": ["DET", "NOUN"]}, "morphologizer", {(0, "POS=DET"), (1, "POS=NOUN")}),
        # Heads counted from 0, a root its own head; or from 1, with 0 for a root.
        (
            {"heads": [1, 1], "deps": ["det", "ROOT"]},
            "parser",
            {(0, 1, "det"), (1, 1, "ROOT")},
        ),
        (
            {"heads": [2, 0], "deps": ["det", "root"]},
            "parser",
            {(0, 1, "det"), (1, 1, "ROOT")},
        ),
        (
            {"head": ["0", "1"], "deprel": ["root", "flat"]},
            "parser",
            {(0, 0, "ROOT"), (1, 0, "flat")},
        ),
        # Hugging Face has the text beside the tokens, and entities beside tags.
        ({"text": "The dog", "xpos": ["DT", "NN"]}, "tagger", {(0, "DT"), (1, "NN")}),
        (
            {"pos_tags": ["DT", None], "ner_tags": ["O", "B-PET"]},
            "tagger",
            {(0, "DT")},
        ),
        (
            {"pos_tags": ["DT", "NN"], "ner_tags": ["O", "B-PET"]},
            "ner",
            {(1, 2, "PET")},
        ),
    ],
)
def test_rows_of_tokens_have_tags_and_relations(tmp_path, row, component, expected):
    content = json.dumps({"tokens": ["The", "dog"], **row})
    facts, _, reasons = convert(tmp_path, content, component)
    assert facts == [expected] and not reasons


@pytest.mark.parametrize(
    "content",
    [
        json.dumps(full_doc().to_json() | {"ents": []}),
        json.dumps({"tokens": WORDS, "pos_tags": TAGS, "ner_tags": ["O"] * 8}),
    ],
)
def test_sentence_without_entities_is_an_annotation_of_none(tmp_path, content):
    _, account, _ = convert(tmp_path, content, "ner")
    assert account["rows"]["kept"] == 1


def test_rejected_relation_is_no_rejected_entity(tmp_path):
    row = {"text": TEXT, "tokens": with_offsets(), "relations": RELATIONS[:1]}
    row = json.dumps({**row, "answer": "reject"})
    path = tmp_path / "in.jsonl"
    path.write_text(row, "utf-8")
    docs, *_ = convert_file(str(path), spacy.blank("en"), Options(component="ner"))
    assert [dict(doc.spans) for doc in docs] == [{}]


def test_white_space_is_not_annotated(tmp_path):
    nlp = spacy.blank("en")
    doc = nlp.make_doc("A  b")
    KINDS["tagger"].set_facts(doc, {(0, "DT"), (1, "_SP"), (2, "NN")})
    KINDS["parser"].set_facts(doc, {(0, 2, "det"), (1, 0, "dep"), (2, 2, "ROOT")})
    content = json.dumps(doc.to_json())
    (tags,), account, reasons = convert(tmp_path, content, "tagger")
    assert tags == {(0, "DT"), (2, "NN")} and not reasons
    assert account["ignored"] == {"white space": 1}
    # What the base completed comes back as it was.
    for kind in ("tagger", "parser"):
        row = KINDS[kind].to_row(doc, set())
        (facts,), _, reasons = convert(tmp_path, json.dumps(row), kind)
        assert facts == {f for f in KINDS[kind].facts(doc) if f[0] != 1}
    (arcs,), _, reasons = convert(tmp_path, json.dumps(row), "parser", partial=False)
    assert len(arcs) == 2 and not reasons


def test_gold_with_words_that_do_not_stand_in_the_text_is_a_tree_with_a_hole(tmp_path):
    (arcs,), _, reasons = convert(tmp_path, AU_BAR, "parser", partial=False)
    assert arcs == {(0, 1, "nsubj"), (1, 1, "ROOT"), (3, 1, "obl")} and not reasons
    convert(tmp_path, AU_BAR, "tagger", partial=False)
    (doc,) = read_docs(tmp_path / "out" / "train", spacy.blank("en").vocab)
    assert KINDS["tagger"].unseen_tokens(doc) == {2}


def test_conllu_has_morphology_and_parts_of_speech(tmp_path):
    (facts,), *_ = convert(tmp_path, CONLLU, "morphologizer")
    assert (0, "Case=Nom|Number=Sing|POS=PRON") in facts
    assert (7, "POS=PUNCT") in facts
    (tags,), *_ = convert(tmp_path, CONLLU, "tagger", upos=True)
    assert tags == {*enumerate(UPOS)}


def test_word_that_is_not_in_the_text_rejects_its_sentence(tmp_path):
    content = CONLLU.replace("# text = She can't go", "# text = She can't run")
    facts, _, reasons = convert(tmp_path, content, "tagger")
    assert not facts and "not in the text of the sentence: 'go'" in reasons
    # Fed back as it is, it is no sentence without annotations.
    facts, account, _ = convert(tmp_path, (tmp_path / "r").read_bytes(), "tagger")
    assert not facts and account["rows"]["rejected"] == 1


def test_multiword_tokens_and_empty_nodes_are_counted_among_the_ignored(tmp_path):
    _, account, _ = convert(tmp_path, CONLLU, "tagger")
    assert account["ignored"] == {"empty node": 1, "multiword token": 1}
    assert account["spans"]["ignored"] == 2 and account["spans"]["kept"] == 8


def test_word_that_does_not_stand_in_the_text_is_ignored(tmp_path):
    (facts,), account, _ = convert(tmp_path, AU_BAR, "tagger")
    assert facts == {(0, "P"), (1, "V"), (3, "N")}
    assert account["ignored"]["word of a multiword token"] == 2


def test_only_the_marked_tokens_of_conllu_are_annotated(tmp_path):
    content = CONLLU.replace("\tPRP\t", "\t_\t").replace("\t7\tdet\t", "\t_\t_\t")
    (tags,), *_ = convert(tmp_path, content, "tagger")
    assert tags == {*enumerate(TAGS)} - {(0, "PRP")}
    (arcs,), *_ = convert(tmp_path, content, "parser")
    assert arcs == EXPECTED["parser"] - {(5, 6, "det")}


def test_token_that_the_base_splits_otherwise_is_ignored(tmp_path):
    content = "1\tca\tcan\tAUX\tMD\t_\t_\t_\t_\tSpaceAfter=No\n"
    content += (
        "2\tn't\tnot\tPART\tRB\t_\t_\t_\t_\t_\n3\tU.S.A-x\t_\tX\tNN\t_\t_\t_\t_\t_\n"
    )
    nlp = spacy.blank("en")
    assert len(nlp("can't U.S.A-x")) != 3
    (tags,), account, _ = convert(tmp_path, content, "tagger")
    assert (0, "MD") in tags and len(tags) == 2
    assert account["ignored"] == {"token that the base splits otherwise": 1}


@pytest.mark.parametrize(
    "component, row, reason",
    [
        (
            "tagger",
            {"text": "The big dog", "spans": [[0, 7, "NN"]]},
            "marks several tokens: 0:7 'The big'; mark each of them",
        ),
        (
            "tagger",
            {"text": "The dog", "spans": [[0, 3, "DT"], [0, 3, "NN"]]},
            "a token marked twice: 'The' is DT and NN",
        ),
        ("tagger", {"text": "The dog", "spans": [[0, 3, "!DT"]]}, "cannot learn"),
        ("tagger", {"text": "The dog", "spans": [[0, 2, "DT"]]}, "ends inside a token"),
        (
            "parser",
            {"text": "The dog", "spans": [[0, 3, "det"]]},
            "a relation without a head",
        ),
        (
            "parser",
            {"tokens": ["The", "dog"], "heads": [1, 5], "deps": ["det", "ROOT"]},
            "a head outside the sentence",
        ),
        (
            "parser",
            {"tokens": ["A", "b", "c"], "heads": [1, 0, 2], "deps": ["x", "y", "ROOT"]},
            "a cycle of relations: A ← b ← A",
        ),
        (
            "parser",
            {"tokens": ["A", "b"], "heads": [0, 1], "deps": ["ROOT", "ROOT"]},
            "two roots in a sentence: A and b",
        ),
        (
            "parser",
            {"tokens": ["A", "b"], "heads": [1, 0], "deps": ["x", "y"]},
            "heads from 0 or from 1? no relation is root where it is one",
        ),
        (
            "parser",
            {
                "text": "A b",
                "spans": [
                    {
                        "start": 0,
                        "end": 1,
                        "label": "det",
                        "head": {"start": 0, "end": 1},
                    }
                ],
            },
            "a root is its own head, and has the label ROOT: 'A' is det",
        ),
        ("tagger", {"text": "A", "spans": [], "layer": "x"}, "a layer that is not"),
        (
            "morphologizer",
            {"text": "The dog", "spans": [[0, 3, "A=B=C|POS=DET"]]},
            "cannot learn",
        ),
        (
            "tagger",
            {"text": "A", "tokens": [{"start": 0, "end": 1, "tag": "X", "morph": 5}]},
            "features that are not a text",
        ),
        # Another component's annotations.
        (
            "tagger",
            {"tokens": ["Anna", "left"], "ner_tags": ["B-PER", "O"]},
            "marks entities, but vars.component is tagger",
        ),
        (
            "ner",
            {"tokens": ["The", "dog"], "tags": ["DT", "NN"]},
            "marks tags, but vars.component is ner",
        ),
        (
            "tagger",
            {"tokens": ["The", "dog"], "upos": ["DET", "NOUN"]},
            "marks morphological features, parts of speech, but vars.component is "
            "tagger; see --upos",
        ),
        (
            "morphologizer",
            {"text": "The dog", "spans": [[0, 3, "DT"]]},
            "cannot learn, write it as Number=Sing|POS=NOUN: DT",
        ),
    ],
)
def test_what_does_not_fit_is_refused_with_a_reason(tmp_path, component, row, reason):
    facts, _, reasons = convert(tmp_path, json.dumps(row), component)
    assert reason in reasons and not any(facts)


def test_tree_in_pieces_is_refused_only_if_all_was_to_be_annotated(tmp_path):
    place = {"start": 4, "end": 7}
    row = {"text": "The dog", "spans": [{"start": 0, "end": 3, "label": "det"}]}
    row["spans"][0]["head"] = place
    facts, *_ = convert(tmp_path, json.dumps(row), "parser")
    assert facts == [{(0, 1, "det")}]
    _, _, reasons = convert(tmp_path, json.dumps(row), "parser", partial=False)
    assert "a tree in pieces: 'dog' has no head; see --partial" in reasons


def test_unmarked_tokens_were_looked_at_only_if_the_person_says_so(tmp_path):
    row = json.dumps({"text": TEXT, "spans": tag_spans(only=[0])})
    for partial, n_unseen in ((None, 7), (True, 7), (False, 0)):
        convert(tmp_path, row, "tagger", partial=partial)
        (doc,) = read_docs(tmp_path / "out" / "train", spacy.blank("en").vocab)
        assert len(KINDS["tagger"].unseen_tokens(doc)) == n_unseen


def test_part_of_speech_of_a_new_tag_is_noted_or_refused(tmp_path):
    row = json.dumps({"text": TEXT, "spans": tag_spans(only=[0])})
    _, account, _ = convert(tmp_path, row, "tagger", pos="PRP=PRON")
    assert account["pos"] == {"PRP": "PRON"}
    for pos in ("PRP=PRONOUN", "XX=NOUN", "PRP"):
        _, _, reasons = convert(tmp_path, row, "tagger", pos=pos)
        assert "has to be a new tag, and" in reasons


def test_prodigy_s_rejected_tag_is_ignored(tmp_path):
    row = {"text": TEXT, "spans": tag_spans(only=[0]), "answer": "reject"}
    _, account, _ = convert(tmp_path, json.dumps(row), "tagger")
    assert account["ignored"] == {"rejected, which teaches no tags": 1}


def test_doc_of_spacy_with_words_and_no_annotation_has_none(tmp_path):
    content = DocBin(docs=[Doc(spacy.blank("en").vocab, words=WORDS)]).to_bytes()
    facts, _, reasons = convert(tmp_path, content, "tagger")
    assert not any(facts) and "has no annotation" in reasons


def test_two_rows_that_tag_a_token_differently_are_not_both_kept(tmp_path):
    """What is marked on other tokens of the same text adds up."""
    rows = [
        {"tokens": ["It", "can"], "tags": [None, "MD"]},
        {"tokens": ["It", "can"], "tags": ["PRP", None]},
        {"tokens": ["It", "can"], "tags": ["PRP", "NN"]},
    ]
    content = "\n".join(map(json.dumps, rows))
    facts, account, reasons = convert(tmp_path, content, "tagger")
    assert facts == [{(1, "MD")}, {(0, "PRP")}]
    assert account["rows"]["rejected"] == 1
    assert "the same text with other spans" in reasons
