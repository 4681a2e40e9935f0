import pytest
import spacy
from conftest import make_pipeline

from scripts.put_back import check_unchanged, main, put_back


def trained_with(label, layout):
    """A base whose NER was trained with a new label."""
    trained = make_pipeline(layout)
    trained.get_pipe("ner").add_label(label)
    return trained


@pytest.mark.parametrize("layout", ["own", "ruler before", "ruler after", "vectors"])
def test_component_is_put_back_in_its_position_and_the_rest_is_as_it_was(
    tmp_path, layout
):
    base = make_pipeline(layout)
    base.to_disk(tmp_path / "base")
    trained_with("DISEASE", layout).to_disk(tmp_path / "trained")
    main(tmp_path / "base", tmp_path / "trained", tmp_path / "updated")
    updated = spacy.load(tmp_path / "updated")
    assert updated.pipe_names == base.pipe_names
    assert "DISEASE" in updated.get_pipe("ner").labels
    assert "DISEASE" not in base.get_pipe("ner").labels


def test_disabled_component_stays_disabled_and_in_its_position(tmp_path):
    base = make_pipeline("disabled beside")
    names, disabled = base.component_names, base.disabled
    updated = put_back(base, trained_with("DISEASE", "own"), "ner")
    assert (updated.component_names, updated.disabled) == (names, disabled)


def test_another_component_or_vector_that_changed_is_named():
    base, updated = make_pipeline("shared"), make_pipeline("shared")
    check_unchanged(base, updated, "ner")
    weights = updated.get_pipe("tagger").model.get_ref("softmax")
    weights.set_param("W", weights.get_param("W") + 1)
    with pytest.raises(ValueError, match="differs from the base in tagger too"):
        check_unchanged(base, updated, "ner")
    base, updated = make_pipeline("vectors"), make_pipeline("vectors")
    updated.vocab.set_vector("Oslo", [9.0] * 8)
    with pytest.raises(ValueError, match="differs from the base in vectors too"):
        check_unchanged(base, updated, "ner")
