"""Annotations of earlier rounds: what is trained on, scored, or refused."""

import pytest
import spacy
import srsly

from scripts.docs import read_docs
from scripts.preprocess import main

CITIES = (
    "Oslo",
    "Lima",
    "Omsk",
    "Perm",
    "Kiel",
    "Bonn",
    "Graz",
    "Cork",
    "Pisa",
    "Nice",
)


def city(number, label="GPE"):
    """A row with one annotation."""
    name = CITIES[number % len(CITIES)]
    text = f"{name} is town number {number}."
    return {"text": text, "spans": [{"start": 0, "end": len(name), "label": label}]}


def flu(number):
    text = f"Flu came {number} times."
    return {"text": text, "spans": [{"start": 0, "end": 3, "label": "DISEASE"}]}


@pytest.fixture
def preprocess(base, tmp_path):
    """Convert rows with a base that knows GPE and PERSON: account, and texts by set."""

    def run(train, earlier=(), history=(), **settings):
        base.meta["rounds"] = [*history]
        base.to_disk(tmp_path / "base")
        files = {"train": train, **settings}
        for name, rows in files.items():
            srsly.write_jsonl(tmp_path / f"{name}.jsonl", rows)
        paths = {name: str(tmp_path / f"{name}.jsonl") for name in files}
        for number, rows in enumerate(earlier, start=1):
            (tmp_path / "earlier").mkdir(exist_ok=True)
            srsly.write_jsonl(tmp_path / "earlier" / f"{number}.jsonl", rows)
        paths |= {"earlier": str(tmp_path / "earlier" / "*")} if earlier else {}
        main(
            paths.pop("train"),
            tmp_path / "out",
            base=str(tmp_path / "base"),
            **{"dev": "", "test": "", **paths},
            account_path=tmp_path / "account.json",
            rejected_path=tmp_path / "rejected.jsonl",
        )
        vocab = spacy.blank("en").vocab
        texts = {
            path.name: {doc.text for doc in read_docs(path, vocab)}
            for path in (tmp_path / "out").iterdir()
        }
        return srsly.read_json(tmp_path / "account.json"), texts

    yield run
    base.meta.pop("rounds", None)


# More words than corrections have.
MANY = [city(n) for n in range(400)]
FLU = [flu(n) for n in range(30)]


def test_what_a_round_held_out_is_scored_and_the_rest_is_trained_on(preprocess):
    _, then = preprocess(MANY)
    account, now = preprocess(FLU, [MANY])
    assert now["earlier_1_test"] == then["test"]
    assert now["earlier_1_train"] == then["train"] | then["dev"]
    assert account["labels"] == ["DISEASE"]
    [(name, labels)] = account["earlier"]["rounds"].items()
    assert name.endswith("1.jsonl") and labels == ["GPE"]
    assert account["earlier"]["rows"]["in"] == len(MANY)


def test_each_match_of_a_glob_is_a_round_with_labels_of_its_own(preprocess):
    people = [city(n, "PERSON") for n in range(400, 800)]
    account, texts = preprocess(FLU, [MANY, people])
    rounds = account["earlier"]["rounds"]
    assert [*rounds.values()] == [["GPE"], ["PERSON"]]
    assert len(texts["earlier_1_train"]) == len(texts["earlier_2_train"]) == 364


def test_with_a_test_of_its_own_nothing_of_a_round_is_held_out(preprocess):
    test = [city(n) for n in range(400, 420)]
    _, texts = preprocess(FLU, [MANY], earlier_test=test)
    assert len(texts["earlier_1_train"]) == len(MANY)
    assert texts["earlier_2_test"] == {row["text"] for row in test}
    assert "earlier_1_test" not in texts and "earlier_2_train" not in texts


def past_of(account):
    """The round that a package's history has of annotations."""
    names = ("labels", "split_off")
    return {**{name: account[name] for name in names}, "data": account["files"]}


def test_history_says_what_a_round_held_out_and_which_labels_counted(
    preprocess, tmp_path
):
    # Corrections, of which nothing was split off: without history a tenth would be.
    account, _ = preprocess(MANY[:20])
    _, texts = preprocess(FLU, [MANY[:20]])
    assert len(texts["earlier_1_train"]) == 18
    _, texts = preprocess(FLU, [MANY[:20]], [past_of(account)])
    assert len(texts["earlier_1_train"]) == 20 and "earlier_1_test" not in texts
    # It had a dev set of its own, and PERSON did not count.
    mixed = [*MANY, *(city(n, "PERSON") for n in range(400, 420))]
    account, then = preprocess(mixed, dev=[city(n) for n in range(500, 505)])
    past = {**past_of(account), "labels": ["GPE"]}
    account, now = preprocess(FLU, [mixed], [past])
    assert now["earlier_1_test"] == then["test"]
    assert [*account["earlier"]["rounds"].values()] == [["GPE"]]


def test_test_of_one_round_leaves_the_split_of_another(preprocess):
    people = [city(n, "PERSON") for n in range(400, 800)]
    test = [city(n, "PERSON") for n in range(800, 820)]
    _, texts = preprocess(FLU, [MANY, people], earlier_test=test)
    assert len(texts["earlier_1_test"]) == 36 and "earlier_2_test" not in texts
    assert len(texts["earlier_2_train"]) == 400


def test_this_round_among_the_earlier_ones_and_a_readme_are_none(
    preprocess, base, tmp_path
):
    folder = tmp_path / "rounds"
    (folder / "empty").mkdir(parents=True)
    (folder / "README.md").write_text("Rounds.")
    srsly.write_jsonl(folder / "1.jsonl", MANY)
    srsly.write_jsonl(folder / "2.jsonl", FLU)
    base.to_disk(tmp_path / "base")
    main(
        str(folder / "2.jsonl"),
        tmp_path / "out",
        base=str(tmp_path / "base"),
        dev="",
        test="",
        earlier=str(folder / "*"),
        account_path=tmp_path / "account.json",
        rejected_path=tmp_path / "rejected.jsonl",
    )
    rounds = srsly.read_json(tmp_path / "account.json")["earlier"]["rounds"]
    assert [*rounds] == [str(folder / "1.jsonl")]


def test_text_that_another_round_trains_on_is_not_scored(preprocess):
    _, texts = preprocess(FLU, [MANY])
    shared = [row for row in MANY if row["text"] in texts["earlier_1_test"]]
    people = [city(n, "PERSON") for n in range(400, 800)]
    again = [{**row, "spans": []} for row in shared]
    account, texts = preprocess(FLU, [MANY, [*people, *again]])
    assert not texts["earlier_1_test"] & texts["earlier_2_train"]
    ignored = account["earlier"]["ignored"]
    assert ignored["trained on in another round"] >= len(shared) // 2


@pytest.mark.parametrize("name", ["test", "must_pass", "old_test", "earlier_test"])
def test_earlier_round_that_holds_a_test_text_is_refused_with_the_rows(
    preprocess, name
):
    trained = preprocess(FLU, [MANY])[1]["earlier_1_train"]
    at = next(i for i, row in enumerate(MANY) if row["text"] in trained)
    label = "PERSON" if name == "earlier_test" else "DISEASE"
    leak = {"text": MANY[at]["text"], "spans": [{"start": 0, "end": 4, "label": label}]}
    with pytest.raises(
        ValueError, match=rf"has texts .* vars\.{name}, .*1\.jsonl:{at + 1}\."
    ):
        preprocess(FLU, [MANY], **{name: [leak]})


def test_text_that_this_round_holds_out_is_not_trained_on(preprocess):
    # The same texts were annotated before, with another label.
    before = [{"text": row["text"], "spans": []} for row in FLU]
    account, texts = preprocess(FLU, [[*MANY, *before]])
    held_out = texts["test"] | texts["dev"]
    assert len(held_out) == 6 and not held_out & texts["earlier_1_train"]
    assert not texts["train"] & texts["earlier_1_test"]
    # With another label a text is trained on twice.
    assert texts["train"] & texts["earlier_1_train"]
    # The others are in the round's own test.
    ignored = account["earlier"]["ignored"]
    assert ignored == {"in the dev or test set of this round": 3}


def test_text_that_is_annotated_again_with_the_same_label_counts_as_it_is_now(
    preprocess,
):
    before = preprocess(MANY)[1]["train"]
    right = next(row for row in MANY if row["text"] in before)
    wrong = {**right, "spans": []}
    rest = [row for row in MANY if row is not right]
    account, texts = preprocess([*FLU, right], [[*rest, wrong]])
    assert right["text"] not in texts["earlier_1_train"]
    assert account["earlier"]["ignored"] == {"annotated again in this round": 1}


def test_round_of_labels_that_the_base_does_not_know_is_refused(preprocess):
    rows = [city(n, "DRUG") for n in range(400)]
    with pytest.raises(ValueError, match=r"DRUG, which the base does not know: set"):
        preprocess(FLU, [rows])


def test_round_without_annotations_is_refused(preprocess):
    empty = [{"text": row["text"], "spans": []} for row in MANY]
    with pytest.raises(ValueError, match=r"1\.jsonl has no annotation"):
        preprocess(FLU, [empty])
