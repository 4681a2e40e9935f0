import spacy
from conftest import TEXTS

from scripts.evaluation.speed import N_WORDS, measure_speed


def test_speed_of_both_pipelines_is_measured_on_the_same_texts():
    n_words = {"fast": 0, "slow": 0}

    def make(who, work):
        nlp = spacy.blank("en")

        @spacy.Language.component(f"work_{who}")
        def count(doc):
            n_words[who] += len(doc)
            sum(range(work))
            return doc

        nlp.add_pipe(f"work_{who}")
        return nlp

    speed = measure_speed(make("fast", 10_000), make("slow", 30_000), [TEXTS[0][0]])
    assert n_words["fast"] == n_words["slow"] > N_WORDS
    assert speed["ratio"] < 0.9 and speed["updated"] < speed["base"]
