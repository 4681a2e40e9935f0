"""Whether a text is in another language, by the stop words that spaCy knows."""

import re
from collections import Counter
from functools import cache
from pathlib import Path
from runpy import run_path

import spacy.lang
from spacy.util import get_lang_class

WORD = re.compile(r"[^\W\d_]{2,}")
# Share of stop words that nearly any text in its own language has: only a text with
# fewer is compared with other languages.
MIN_OWN_SHARE = 0.2
# A foreign text has so many different stop words of one other language (some names are
# such words), so many times as many as of its own, and so large a share in letters.
MIN_FOREIGN, MIN_RATIO, MIN_FOREIGN_SHARE = 5, 2, 0.15


def is_foreign(text: str, lang: str) -> bool:
    """Check whether a text is clearly in another language than that of a pipeline.

    Numbers, short texts and most lists of names are in no language. A language without
    stop words knows no other, and related ones, such as Danish and Norwegian, are not
    told apart.
    """
    words = WORD.findall(text.casefold())
    own = stop_words(lang)
    n_own = sum(word in own for word in words)
    if not own or n_own >= MIN_OWN_SHARE * len(words):
        return False
    found = Counter(code for word in {*words} for code in languages().get(word, ()))
    other, n_other = max(found.items(), key=lambda item: item[1], default=("", 0))
    if n_other < MIN_FOREIGN or n_other <= MIN_RATIO * n_own:
        return False
    # In letters: without spaces between words, a sentence counts as one word.
    foreign = sum(len(word) for word in words if other in languages().get(word, ()))
    return foreign >= MIN_FOREIGN_SHARE * sum(map(len, words))


@cache
def stop_words(lang: str) -> frozenset[str]:
    """Return the stop words of a language, in lower case."""
    words = get_lang_class(lang).Defaults.stop_words
    return frozenset(word.casefold() for word in words)


@cache
def languages() -> dict[str, list[str]]:
    """List the languages that have each stop word."""
    found: dict[str, list[str]] = {}
    for folder in spacy.lang.__path__:
        # Only these files are run: to import all languages takes seconds.
        for path in sorted(Path(folder).glob("*/stop_words.py")):
            for word in {word.casefold() for word in run_path(path)["STOP_WORDS"]}:
                found.setdefault(word, []).append(path.parent.name)
    return found
