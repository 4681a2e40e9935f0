"""Whether a text is in another language, by the stop words that spaCy knows."""

import re
from functools import cache
from pathlib import Path
from runpy import run_path

import spacy.lang

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
    own = stop_words().get(lang, frozenset())
    n_own = sum(word in own for word in words)
    if not own or n_own >= MIN_OWN_SHARE * len(words):
        return False
    different = {*words}
    other = max(stop_words().values(), key=lambda some: len(some & different))
    n_other = len(other & different)
    if n_other < MIN_FOREIGN or n_other <= MIN_RATIO * n_own:
        return False
    # In letters: without spaces between words, a sentence counts as one word.
    n_foreign = sum(len(word) for word in words if word in other)
    return n_foreign >= MIN_FOREIGN_SHARE * sum(map(len, words))


@cache
def stop_words() -> dict[str, frozenset[str]]:
    """Read the stop words of each language, in lower case."""
    # Only these files are run: to import all languages takes seconds.
    paths = (p for f in spacy.lang.__path__ for p in Path(f).glob("*/stop_words.py"))
    return {
        path.parent.name: frozenset(map(str.casefold, run_path(path)["STOP_WORDS"]))
        for path in sorted(paths)
    }
