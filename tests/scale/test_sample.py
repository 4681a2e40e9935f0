from collections import Counter

import pytest
from conftest import TEXTS, annotate_all
from spacy.vocab import Vocab

from scripts.docs import doc_files, read_docs
from scripts.scale.sample import choose, choose_all
from scripts.scale.shards import MANIFEST, checksum, finished_shards

COMMON, RARE = {0, 1}, {0, 1, 2}


def counted(docs):
    return Counter(label for _, labels in docs for label in labels)


def test_choice_holds_as_many_words_as_asked_for_and_no_doc_more():
    docs = [(n_words, COMMON) for n_words in range(1, 60)]
    for n_words in (1, 17, 400):
        chosen = [docs[n][0] for n in choose(docs, counted(docs), n_words, 0)]
        assert sum(chosen) >= n_words
        assert sum(chosen) - max(chosen) < n_words + max(chosen)
    assert choose(docs, counted(docs), 0, 0) == set()


def test_choice_depends_on_the_seed_alone():
    docs = [(5, COMMON)] * 1000
    first, again, other = (choose(docs, counted(docs), 100, n) for n in (0, 0, 1))
    assert first == again != other


def test_docs_with_a_rare_label_are_chosen_more_often():
    docs = [(1, RARE if n % 100 == 0 else COMMON) for n in range(10_000)]
    chosen = choose(docs, counted(docs), 1000, 0)
    # Of 100 docs 10 would be chosen at random; the weights say ten times as likely.
    assert 50 < sum(docs[n] == (1, RARE) for n in chosen) < 80


@pytest.fixture
def pool(base, tmp_path):
    base.to_disk(tmp_path / "base")
    parts = [[f"{TEXTS[n % 5][0]} {part}{n}" for n in range(20)] for part in range(3)]
    annotate_all(parts, tmp_path / "base", tmp_path / "pool")
    return tmp_path / "pool"


def texts_in(folder):
    return [doc.text for doc in read_docs(folder, Vocab())]


def test_chosen_docs_keep_their_order_and_entities(pool, tmp_path):
    n_docs, n_chosen = choose_all(doc_files(pool), tmp_path / "chosen", 100, 0)
    chosen = list(read_docs(tmp_path / "chosen", Vocab()))
    assert n_docs == 60 and n_chosen == len(chosen) < 20
    whole = {doc.text: doc.to_json() for doc in read_docs(pool, Vocab())}
    texts = [doc.text for doc in chosen]
    assert texts == [text for text in whole if text in texts]
    assert all(doc.to_json() == whole[doc.text] for doc in chosen)


def test_a_pool_that_is_no_larger_than_needed_is_taken_whole(pool, tmp_path):
    assert choose_all(doc_files(pool), tmp_path / "chosen", 10_000, 0) == (60, 60)
    assert texts_in(tmp_path / "chosen") == texts_in(pool)


def test_as_many_words_are_chosen_as_asked_for_of_a_finished_run(pool, tmp_path):
    files = finished_shards(pool, checksum(pool / MANIFEST))
    choose_all(files, tmp_path / "chosen", 75, 0)
    n_words = [len(doc) for doc in read_docs(tmp_path / "chosen", Vocab())]
    assert 75 <= sum(n_words) < 75 + max(n_words)


def test_no_doc_is_read_if_no_words_are_asked_for(tmp_path):
    missing = [tmp_path / "missing.spacy"]
    assert choose_all(missing, tmp_path / "chosen", 0, 0) == (0, 0)
    assert not [*(tmp_path / "chosen").iterdir()]
