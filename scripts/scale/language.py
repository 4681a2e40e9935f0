"""Whether a text is in another language, by the stop words that spaCy knows."""

import re
from collections import Counter
from functools import cache
from pathlib import Path
from runpy import run_path

import spacy.lang
from spacy.util import get_lang_class

WORD = re.compile(r"[^\W\d_]{2,}")
# Share of the words that are stop words of its language in nearly any text; only what
# has fewer is compared with other languages.
ENOUGH = 0.2
# Different stop words of another language that tell: so many, for names have some, too;
# and twice as many as of the own.
MIN_FOREIGN, MIN_RATIO = 5, 2
# And the share of all letters that is theirs, at the least.
MIN_SHARE = 0.15


def is_foreign(text: str, lang: str) -> bool:
    """Say whether a text is clearly in another language than a pipeline's.

    Numbers, short texts and most lists of names are in none. Of related languages, as
    Danish and Norwegian are, one is not told from the other.

    Args:
        text: The text.
        lang: Code of the pipeline's language; one without stop words knows no other.
    """
    words = WORD.findall(text.casefold())
    own = stop_words(lang)
    n_own = sum(word in own for word in words)
    if not own or n_own >= ENOUGH * len(words):
        return False
    found = Counter(lang for word in {*words} for lang in languages().get(word, ()))
    other, n_other = max(found.items(), key=lambda item: item[1], default=("", 0))
    if n_other < MIN_FOREIGN or n_other <= MIN_RATIO * n_own:
        return False
    # In letters: where no space parts the words, a sentence counts as one.
    foreign = sum(len(word) for word in words if other in languages().get(word, ()))
    return foreign >= MIN_SHARE * sum(map(len, words))


@cache
def stop_words(lang: str) -> frozenset[str]:
    """Give the stop words of a language, in lower case."""
    words = get_lang_class(lang).Defaults.stop_words
    return frozenset(word.casefold() for word in words)


@cache
def languages() -> dict[str, list[str]]:
    """List for each stop word the languages that have it."""
    found: dict[str, list[str]] = {}
    for folder in spacy.lang.__path__:
        # The lists alone: to import all languages takes seconds.
        for path in sorted(Path(folder).glob("*/stop_words.py")):
            for word in {word.casefold() for word in run_path(path)["STOP_WORDS"]}:
                found.setdefault(word, []).append(path.parent.name)
    return found
