import re
import shutil
from pathlib import Path

import pytest
import spacy
import srsly
from spacy.language import Language
from spacy.tokens import Span
from spacy.training import Example
from spacy.util import fix_random_seed

from scripts.components import KINDS
from scripts.docs import write_docs
from scripts.evaluation.cases import Case
from scripts.evaluation.changes import find_changes
from scripts.evaluation.metrics import to_metrics
from scripts.scale import shards
from scripts.scale.start import start

SETTINGS = Path(__file__).parents[1] / "configs" / "update.cfg"
NLP = spacy.blank("en")
TEXTS = [
    ("Anna Berg flew to Oslo on Monday.", [(0, 9, "PERSON"), (18, 22, "GPE")]),
    ("In Lima, Juan Paz met her.", [(3, 7, "GPE"), (9, 17, "PERSON")]),
    ("Nothing happened in the office today.", []),
    ("Juan Paz left Oslo.", [(0, 8, "PERSON"), (14, 18, "GPE")]),
    ("The office in Lima is closed.", [(14, 18, "GPE")]),
]  # fmt: skip
TOK2VEC = {
    "@architectures": "spacy.HashEmbedCNN.v2",
    "width": 16,
    "depth": 1,
    "embed_size": 200,
    "window_size": 1,
    "maxout_pieces": 2,
    "subword_features": True,
    "pretrained_vectors": None,
}
LISTENER = {"@architectures": "spacy.Tok2VecListener.v1", "width": 16}


def ner_model(tok2vec: dict) -> dict:
    return {
        "@architectures": "spacy.TransitionBasedParser.v2",
        "state_type": "ner",
        "extra_state_tokens": False,
        "hidden_width": 16,
        "maxout_pieces": 2,
        "use_upper": True,
        "tok2vec": tok2vec,
    }


def make_pipeline(layout: str) -> Language:
    """Train a tiny base; `layout` says what the NER's tok2vec is, or what is beside."""
    fix_random_seed(0)
    nlp = spacy.blank("en")
    if layout == "vectors":
        nlp.vocab.reset_vectors(width=8)
        for word in ("Oslo", "Lima", "office", "Anna"):
            vector = nlp.vocab.strings.add(word) % 97 / 97
            nlp.vocab.set_vector(word, [vector] * 8)
    own = {**TOK2VEC, "pretrained_vectors": True if layout == "vectors" else None}
    if layout in ("shared", "disabled listener"):
        nlp.add_pipe("tok2vec", config={"model": TOK2VEC})
        tagger = {"@architectures": "spacy.Tagger.v2", "tok2vec": LISTENER}
        nlp.add_pipe("tagger", config={"model": tagger}).add_label("NOUN")
        nlp.get_pipe("tagger").add_label("X")
    if layout == "only listener":
        nlp.add_pipe("tok2vec", config={"model": TOK2VEC})
    listens = layout in ("shared", "disabled listener", "only listener")
    nlp.add_pipe("ner", config={"model": ner_model(LISTENER if listens else own)})
    examples = []
    for text, ents in TEXTS:
        doc = nlp.make_doc(text)
        tags = ["NOUN" if token.is_title else "X" for token in doc]
        examples.append(Example.from_dict(doc, {"entities": ents, "tags": tags}))
    optimizer = nlp.initialize(lambda: examples)
    for _ in range(200):
        nlp.update(examples, sgd=optimizer)
    if "ruler" in layout:
        ruler = nlp.add_pipe("entity_ruler", first=layout == "ruler before" or None)
        ruler.add_patterns([{"label": "DAY", "pattern": "Monday"}])
    if layout == "disabled beside":
        nlp.add_pipe("sentencizer")
        nlp.disable_pipe("sentencizer")
    if layout == "two ners":
        more = nlp.add_pipe("ner", name="more", config={"model": ner_model(TOK2VEC)})
        days = []
        for text, _ in TEXTS:
            at = text.find("Monday")
            ents = [(at, at + 6, "DAY")] if at >= 0 else []
            days.append(Example.from_dict(nlp.make_doc(text), {"entities": ents}))
        more.initialize(lambda: days)
        for _ in range(100):
            more.update(days, sgd=optimizer)
    if layout == "disabled listener":
        nlp.disable_pipe("tagger")
    nlp.meta["name"] = "tiny"
    return nlp


LAYOUTS = (
    "own",
    "shared",
    "only listener",
    "vectors",
    "ruler before",
    "ruler after",
    "disabled beside",
    "disabled listener",
    "two ners",
)


@pytest.fixture(scope="session", params=LAYOUTS)
def any_base_dir(request, tmp_path_factory):
    """The folder of a tiny base in each layout that an update must work for."""
    folder = tmp_path_factory.mktemp("any_base")
    make_pipeline(request.param).to_disk(folder)
    return folder


@pytest.fixture
def any_base(any_base_dir):
    """A base in each layout, for one test: steps disable parts of what they get."""
    return spacy.load(any_base_dir)


@pytest.fixture(scope="session")
def base_dir(tmp_path_factory):
    """The folder of a tiny base whose tok2vec is shared with a tagger."""
    folder = tmp_path_factory.mktemp("base")
    make_pipeline("shared").to_disk(folder)
    return folder


@pytest.fixture
def base(base_dir):
    """The base whose tok2vec is shared with a tagger, for one test."""
    return spacy.load(base_dir)


def case_of(text, gold=(), base=(), updated=(), default="outside", sure=()):
    """A doc with entities by tokens, and what two pipelines found in it."""
    doc = NLP.make_doc(text)
    doc.set_ents([Span(doc, *ent) for ent in gold], default=default)
    return Case(
        doc, KINDS["ner"], {*gold}, {"base": {*base}, "updated": {*updated}}, {*sure}
    )


OMSK = [(0, 1, "OLD")]
KEPT = case_of("Omsk is here", OMSK, OMSK, OMSK, sure=OMSK)


def metrics_of(new, old=(KEPT,), labels=("NEW",), is_gold=True):
    """The changes and the metrics of an update of a base that knows OLD."""
    known, cases = {"OLD"}, {"new": new, "old": old}
    labels = {"new": labels, "old": known}
    rows = [
        {"test": name, **row}
        for name in cases
        for row in find_changes(cases[name], labels[name], known)
    ]
    return rows, to_metrics(cases, labels, known, is_gold=is_gold)


@pytest.fixture(scope="session")
def browser():
    playwright = pytest.importorskip("playwright.sync_api", reason="pip: playwright")
    chromium = shutil.which("chromium") or pytest.skip("no chromium: apt install it")
    options = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
    with playwright.sync_playwright() as play:
        yield play.chromium.launch(executable_path=chromium, args=options)


def annotate_all(parts, base_dir, folder, n_process=1):
    """Annotate texts with a base as `rehearse` does, and return the manifest."""
    with start("local", n_process) as workers:
        return list(shards.annotate_all(parts, base_dir, "ner", folder, workers))


def rehearse(project, texts):
    pool = project / "corpus" / "rehearsal"
    annotate_all([texts], project / "base", pool)
    manifest = shards.checksum(pool / shards.MANIFEST)
    account = {"manifest": manifest, "carved": {"DISEASE": []}}
    account["new_labels"] = ["DISEASE"]
    srsly.write_json(project / "corpus" / "rehearse.json", account)


def write_settings(path, min_steps, **changes):
    """Write the settings of an update, with few steps and other values by name."""
    settings = SETTINGS.read_text("utf-8")
    for name, value in {"min_steps": min_steps, **changes}.items():
        settings = re.sub(rf"(?m)^{name} = .*", f"{name} = {value}", settings)
    path.write_text(settings, "utf-8")
    return path


@pytest.fixture
def project(base, tmp_path):
    """A tiny project before its update, with few and small steps."""
    base.to_disk(tmp_path / "base")
    new = []
    for text in ("Flu is back in Oslo.", "Juan Paz has flu."):
        doc = base.make_doc(text)
        at = text.lower().index("flu")
        doc.ents = [doc.char_span(at, at + 3, "DISEASE")]
        new.append(doc)
    write_docs([], tmp_path / "corpus" / "update" / "earlier" / "00000.spacy")
    for name in ("update/train", "update/dev", "annotations/train"):
        write_docs(new, tmp_path / "corpus" / name / "00000.spacy")
    rehearse(tmp_path, [text for text, _ in TEXTS])
    account = {"labels": ["DISEASE"], "new_labels": ["DISEASE"], "corrections": False}
    srsly.write_json(tmp_path / "corpus" / "preprocess.json", account)
    write_settings(tmp_path / "update.cfg", min_steps=20)
    return tmp_path
