"""The speed of the updated pipeline compared with that of the base."""

from itertools import cycle
from statistics import median
from time import perf_counter

from spacy.language import Language

# Words in a round, and rounds. They are short and many, as a busy machine is slow for
# seconds; in all they take seconds on a CPU, and two minutes with a transformer.
N_WORDS, N_ROUNDS = 2000, 16


def measure_speed(
    base: Language, updated: Language, texts: list[str]
) -> dict[str, float]:
    """Measure words per second of two pipelines in turns, and their median ratio."""
    n_words, chosen = 0, []
    for text in cycle(texts):
        chosen.append(text)
        n_words += max(1, len(base.make_doc(text)))
        if n_words >= N_WORDS:
            break
    seconds: dict[str, list[float]] = {"base": [], "updated": []}
    turns = [("base", base), ("updated", updated)]
    # One more round, to warm up.
    for _ in range(N_ROUNDS + 1):
        for who, nlp in turns:
            start = perf_counter()
            for _ in nlp.pipe(chosen):
                pass
            seconds[who].append(perf_counter() - start)
        # The second in a round is a little faster.
        turns.reverse()
    before, after = seconds["base"][1:], seconds["updated"][1:]
    return {
        "base": round(n_words / median(before)),
        "updated": round(n_words / median(after)),
        "ratio": median(b / a for b, a in zip(before, after, strict=True)),
    }
