"""Which pipe learns which label."""

import pytest
from conftest import make_pipeline

from scripts.components import labels_of, listened_to, parts_of, pipes_of


@pytest.fixture(scope="module")
def second_round():
    """A base that was updated before: a second NER has DISEASE."""
    nlp = make_pipeline("only listener")
    nlp.add_pipe("ner", name="ner_new", before="ner").add_label("DISEASE")
    return nlp


@pytest.mark.parametrize(
    "labels, keep, parts",
    [
        (["DRUG"], "exact", {"ner_new": ["DRUG"]}),
        (["DRUG"], "one", {"ner": ["DRUG"]}),
        (["GPE"], "exact", {"ner": ["GPE"]}),
        (["GPE"], "one", {"ner": ["GPE"]}),
        # New labels come first: their config is `update.cfg`.
        (["GPE", "DRUG"], "exact", {"ner_new": ["DRUG"], "ner": ["GPE"]}),
        (["GPE", "DRUG"], "one", {"ner": ["GPE", "DRUG"]}),
    ],
)
def test_new_labels_go_to_a_second_component_only_if_the_first_is_kept_exactly(
    base, labels, keep, parts
):
    found = parts_of(base, "ner", labels, keep)
    assert (found, [*found]) == (parts, [*parts])


@pytest.mark.parametrize(
    "labels, keep, parts",
    [
        (["DRUG"], "exact", {"ner_new": ["DRUG"]}),
        # What the second component knows is corrected there in any case.
        (["DISEASE"], "exact", {"ner_new": ["DISEASE"]}),
        (["DISEASE"], "one", {"ner_new": ["DISEASE"]}),
        (["DISEASE", "DRUG"], "one", {"ner_new": ["DISEASE"], "ner": ["DRUG"]}),
        (["DISEASE", "DRUG"], "exact", {"ner_new": ["DISEASE", "DRUG"]}),
        (["GPE"], "exact", {"ner": ["GPE"]}),
    ],
)
def test_later_round_corrects_a_label_where_it_is(second_round, labels, keep, parts):
    assert parts_of(second_round, "ner", labels, keep) == parts


def test_second_component_counts_as_a_part_of_the_first(base, second_round):
    assert pipes_of(base, "ner") == ["ner"]
    assert pipes_of(second_round, "ner") == ["ner_new", "ner"]
    assert labels_of(base, "ner") == ["GPE", "PERSON"]
    assert labels_of(second_round, "ner") == ["DISEASE", "GPE", "PERSON"]
    assert listened_to(second_round, "ner") == {"tok2vec": ["ner"]}
