"""Sort raw texts: for rehearsal, held out for other sets, or left out."""

from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

from spacy.util import minibatch
from wasabi import msg

from scripts.docs import REHEARSAL
from scripts.scale.language import is_foreign
from scripts.scale.raw import Seen, known_texts, text_key
from scripts.scale.shards import SHARD_SIZE

# One raw text in ten is held out for dev, and one in ten for the old test, but no more
# than 500: enough for an F that holds within a point, and quick to score in training.
ONE_IN = 10
MAX_HELD_OUT = 500
# With fewer an F is a guess.
FEW_HELD_OUT = 50


class Sorter:
    """Decides which raw texts are for rehearsal, and holds out texts for other sets.

    `held_out` has the texts of `dev`, and of `old_test` if no person annotated one.
    `counts` says how many texts are for rehearsal, held out, `repeated` or `foreign`.
    """

    def __init__(self, splits: dict[str, Path], lang: str) -> None:
        """Begin with the texts of the annotations, and the language of the base."""
        self.seen = Seen(known_texts(splits.values()))
        self.lang = lang
        names = ("dev",) if "old_test" in splits else ("dev", "old_test")
        self.held_out: dict[str, list[str]] = {name: [] for name in names}
        self.counts: Counter[str] = Counter()

    def parts(self, texts: Iterable[str]) -> Iterator[list[str]]:
        """Sort texts, and yield those for rehearsal, a shard at a time."""
        for part in minibatch(texts, SHARD_SIZE):
            rehearsal = []
            for text in part:
                name = self.decide(text)
                self.counts[name] += 1
                if name == REHEARSAL:
                    rehearsal.append(text)
                elif name in self.held_out:
                    self.held_out[name].append(text)
            yield rehearsal

    def decide(self, text: str) -> str:
        """Decide where a text goes: each held-out set has its own share of hashes."""
        if not self.seen.is_new(text):
            return "repeated"
        if is_foreign(text, self.lang):
            return "foreign"
        share = int(text_key(text), 16) % ONE_IN
        for number, (name, texts) in enumerate(self.held_out.items()):
            if share == number and len(texts) < MAX_HELD_OUT:
                return name
        return REHEARSAL

    def check(self, raw: str) -> None:
        """Check that there is text for rehearsal and for each held-out set."""
        if not self.counts[REHEARSAL] or not all(self.held_out.values()):
            raise ValueError(
                f"'{raw}' has too little text: {self.counts[REHEARSAL]} new texts; "
                f"{self.counts['repeated']} are known or repeated, "
                f"{self.counts['foreign']} are in another language than '{self.lang}'. "
                "Set vars.raw to some thousand sentences in which the base finds its "
                "types."
            )
        if (n_fewest := min(map(len, self.held_out.values()))) < FEW_HELD_OUT:
            msg.warn(
                f"Only {n_fewest} raw texts are held out to measure what is kept: add "
                "text to vars.raw."
            )
