import pytest
import spacy
from conftest import make_pipeline

from scripts.components.frozen import check_frozen
from scripts.components.kind import NewLabels
from scripts.train import put_back

NEW = NewLabels(["DISEASE"], {}, {})


def trained_with(label, layout, name="ner"):
    """An NER that was trained with a new label, alone in its pipeline."""
    trained = make_pipeline(layout)
    for other in {*trained.component_names} - {"ner"}:
        trained.remove_pipe(other)
    trained.get_pipe("ner").add_label(label)
    if name != "ner":
        trained.rename_pipe("ner", name)
    return trained


@pytest.mark.parametrize("layout", ["own", "ruler before", "ruler after", "vectors"])
def test_component_is_put_back_in_its_position_and_the_rest_is_as_it_was(
    tmp_path, layout
):
    base = make_pipeline(layout)
    names = base.component_names
    updated = put_back(make_pipeline(layout), trained_with("DISEASE", layout), "ner")
    check_frozen(base, updated, "ner", NEW)
    updated.to_disk(tmp_path / "updated")
    updated = spacy.load(tmp_path / "updated")
    assert updated.component_names == names
    assert "DISEASE" in updated.get_pipe("ner").labels
    assert "DISEASE" not in base.get_pipe("ner").labels


@pytest.mark.parametrize("layout", ["own", "ruler before", "ruler after", "vectors"])
def test_second_component_is_put_before_the_first_and_replaced_in_a_later_round(
    layout,
):
    base, updated = make_pipeline(layout), make_pipeline(layout)
    for label in ("DISEASE", "DRUG"):
        put_back(updated, trained_with(label, layout, "ner_new"), "ner")
        check_frozen(base, updated, "ner", NEW)
        names = updated.component_names
        assert names[names.index("ner") - 1] == "ner_new"
        assert len(names) == len(base.component_names) + 1
        assert label in updated.get_pipe("ner_new").labels
    assert "DISEASE" not in updated.get_pipe("ner_new").labels


def test_component_behind_a_second_one_is_put_back_behind_it():
    updated = make_pipeline("ruler before")
    put_back(updated, trained_with("DISEASE", "own", "ner_new"), "ner")
    put_back(updated, trained_with("DRUG", "own"), "ner")
    assert updated.component_names == ["entity_ruler", "ner_new", "ner"]
    assert "DRUG" in updated.get_pipe("ner").labels


def test_disabled_component_stays_disabled_and_in_its_position():
    base = make_pipeline("disabled beside")
    names, disabled = base.component_names, base.disabled
    updated = put_back(base, trained_with("DISEASE", "own"), "ner")
    assert (updated.component_names, updated.disabled) == (names, disabled)


@pytest.mark.parametrize("changed", ["tagger", "tok2vec"])
def test_another_component_that_changed_is_named(changed):
    base, updated = make_pipeline("shared"), make_pipeline("shared")
    check_frozen(base, updated, "ner", NEW)
    nodes = updated.get_pipe(changed).model.walk()
    node = next(node for node in nodes if node.has_param("W"))
    node.set_param("W", node.get_param("W") + 1)
    with pytest.raises(ValueError, match=f"{changed} is not as in the base"):
        check_frozen(base, updated, "ner", NEW)


@pytest.mark.parametrize("removed", ["tagger", "ner"])
def test_component_that_is_gone_is_named(removed):
    base, updated = make_pipeline("shared"), make_pipeline("shared")
    updated.remove_pipe(removed)
    with pytest.raises(ValueError, match=f"{removed} is not as in the base"):
        check_frozen(base, updated, "ner", NEW)


def test_vector_that_changed_is_named():
    base, updated = make_pipeline("vectors"), make_pipeline("vectors")
    updated.vocab.set_vector("Oslo", [9.0] * 8)
    with pytest.raises(ValueError, match="vectors is not as in the base"):
        check_frozen(base, updated, "ner", NEW)
