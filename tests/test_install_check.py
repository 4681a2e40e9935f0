import pytest
from conftest import TEXTS

from scripts.docs import write_docs
from scripts.install_check import is_same, main


def check(folder, base):
    base.to_disk(folder / "base")
    write_docs(base.pipe(text for text, _ in TEXTS), folder / "test.spacy")
    names = ("packages", "base", "base", "test.spacy", "out.json")
    main(*(folder / name for name in names), name="new", version="0.2.0")


def test_missing_wheel_says_which_step_makes_it(base, tmp_path):
    with pytest.raises(ValueError, match=r"no wheel in .*en_new-0.2.0.dist: run the"):
        check(tmp_path, base)


def test_wheel_that_cannot_be_installed_is_an_error_in_one_line(base, tmp_path):
    dist = tmp_path / "packages" / "en_new-0.2.0" / "dist"
    dist.mkdir(parents=True)
    (dist / "en_new-0.2.0-py3-none-any.whl").touch()
    with pytest.raises(ValueError, match=r"en_new.*whl cannot be installed, .*: ERROR"):
        check(tmp_path, base)
    assert not (tmp_path / "out.json").exists()


@pytest.mark.parametrize(
    "changed",
    [
        {"ents": []},
        {"tokens": [{"id": 0, "start": 0, "end": 4, "tag": "X"}]},
        {"cats": {"A": 0.6, "B": 0.25}},
        {"cats": {"A": 0.5}},
        {"spans": {"sc": []}},
    ],
)
def test_all_that_a_doc_says_is_compared(changed):
    doc = {
        "text": "Oslo",
        "ents": [{"start": 0, "end": 4, "label": "GPE"}],
        "cats": {"A": 0.5, "B": 0.25},
        "tokens": [{"id": 0, "start": 0, "end": 4, "tag": "NOUN"}],
    }
    assert is_same(doc, {**doc, "cats": {"A": 0.50001, "B": 0.25}})
    # On both sides of where one would round.
    cats = [{"A": 0.12499}, {"A": 0.12501}]
    assert is_same(*({**doc, "cats": scores} for scores in cats))
    assert not is_same(doc, {**doc, **changed})
