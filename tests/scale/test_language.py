from importlib import import_module

import pytest

from scripts.scale.language import is_foreign


def sentences(lang):
    return import_module(f"spacy.lang.{lang}.examples").sentences


@pytest.mark.parametrize("lang", ["da", "de", "en", "es", "fr", "nl", "pl", "ru", "zh"])
def test_a_text_in_the_own_language_is_not_foreign(lang):
    assert not [text for text in sentences(lang) if is_foreign(text, lang)]


@pytest.mark.parametrize("lang", ["cs", "de", "es", "fr", "id", "pt", "ru", "vi"])
def test_a_text_in_another_language_is_foreign(lang):
    text = " ".join(sentences(lang))
    assert is_foreign(text, "en")
    assert is_foreign(" ".join(sentences("en")), lang)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "12:30 ERROR connection refused 10.0.0.1:8080",
        "Willem van der Berg, Anna de la Cruz, Oslo",
        "Hamburg 3 : 1 Real Madrid",
        "Wir sind da",
        "Juan de la Cruz, María de los Ángeles, Pedro de la Rosa, Ana del Río",
    ],
)
def test_names_numbers_and_short_texts_are_in_no_language(text):
    assert not is_foreign(text, "en")


def test_a_quotation_does_not_make_a_text_foreign():
    text = "".join(sentences("zh") * 4)
    assert not is_foreign(f"{text} “We will do what we can for them”", "zh")


def test_a_pipeline_of_many_languages_knows_no_foreign_one():
    assert not is_foreign(" ".join(sentences("de")), "xx")
