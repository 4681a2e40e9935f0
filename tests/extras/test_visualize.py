import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
import spacy
import srsly
from conftest import make_pipeline
from spacy.training import Example
from weasel.util.hashing import get_checksum

ROOT = Path(__file__).parents[2]


@pytest.fixture
def serve(tmp_path):
    """Serve the page for two pipelines and a component, and return its address."""
    pytest.importorskip("spacy_streamlit", reason="requirements-visualize.txt")
    servers = []

    def serve(base, updated, component, **metrics):
        for name, nlp in (("base", base), ("updated", updated)):
            nlp.to_disk(tmp_path / name)
        metrics = {"pipeline": get_checksum(tmp_path / "updated"), **metrics}
        srsly.write_json(tmp_path / "metrics.json", metrics)
        with socket.socket() as free:
            free.bind(("localhost", 0))
            port = free.getsockname()[1]
        page = "scripts/extras/visualize.py"
        command = [sys.executable, "-m", "streamlit", "run", page]
        command += ["--server.headless", "true", "--server.port", str(port)]
        command += ["--", tmp_path / "base", tmp_path / "updated", component]
        command += [tmp_path / "metrics.json"]
        servers.append(subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL))
        while socket.socket().connect_ex(("localhost", port)):
            assert servers[-1].poll() is None
            time.sleep(0.1)
        return f"http://localhost:{port}"

    yield serve
    for server in servers:
        server.terminate()
        server.wait()


@pytest.mark.browser
def test_typed_text_is_seen_by_both_pipelines_side_by_side(browser, base, serve):
    updated = make_pipeline("own")
    patterns = [{"label": "DISEASE", "pattern": "Flu"}]
    updated.add_pipe("entity_ruler", before="ner").add_patterns(patterns)
    updated.get_pipe("ner").add_label("DISEASE")
    page = browser.new_page()
    page.goto(serve(base, updated, "ner"))
    page.fill("textarea", "Flu is back in <b>Oslo</b>.")
    page.keyboard.press("Control+Enter")
    page.wait_for_selector("mark >> text=DISEASE")
    marks = [" ".join(mark.split()) for mark in page.locator("mark").all_inner_texts()]
    assert marks.count("Flu DISEASE") == 1
    assert page.locator("b >> text=Oslo").count() == 0
    page.close()


MUST_PASS = [
    {"text": "Juan Paz left Oslo.", "updated": True},
    {"text": "1. *Anna Berg*\nflew to `Lima`: $5, $6.", "updated": False},
]


@pytest.mark.browser
def test_one_click_shows_a_must_pass_sentence_in_both_pipelines(browser, base, serve):
    page = browser.new_page()
    page.goto(serve(base, base, "ner", must_pass=MUST_PASS))
    buttons = page.get_by_test_id("stSidebar").get_by_test_id("stButton")
    buttons.nth(1).wait_for()
    # What fails comes first, as it is written.
    shown = ["✘ 1. *Anna Berg* flew to `Lima`: $5, $6.", "✔ Juan Paz left Oslo."]
    assert buttons.all_inner_texts() == shown
    for row, button in zip(MUST_PASS[::-1], buttons.all(), strict=True):
        button.click()
        city = row["text"].split()[-1 if row["updated"] else 5].strip(".:`")
        page.wait_for_selector(f"mark >> text={city} >> nth=1")
        assert page.input_value("textarea") == row["text"]
        assert page.locator(f"mark >> text={city}").count() == 2
    # The text can be changed, and stays so.
    page.fill("textarea", "In Lima, Juan Paz met her.")
    page.keyboard.press("Control+Enter")
    page.wait_for_selector("mark >> text=Lima >> nth=1")
    assert page.input_value("textarea") == "In Lima, Juan Paz met her."
    page.close()


@pytest.mark.browser
def test_must_pass_sentences_of_an_older_update_are_not_shown(browser, base, serve):
    page = browser.new_page()
    page.goto(serve(base, base, "ner", must_pass=MUST_PASS, pipeline="0"))
    page.wait_for_selector("text=of another pipeline: run evaluate again")
    assert page.get_by_test_id("stButton").count() == 0
    page.close()


@pytest.mark.browser
@pytest.mark.parametrize("component, shown", [("tagger", "canvas"), ("parser", "img")])
def test_tags_and_relations_of_both_are_shown(browser, serve, component, shown):
    nlp = spacy.blank("en")
    words = {"words": ["It", "is"], "tags": ["A", "B"], "heads": [1, 1]}
    example = Example.from_dict(nlp.make_doc("It is"), {**words, "deps": ["x", "ROOT"]})
    for name in ("tagger", "parser"):
        nlp.add_pipe(name)
    nlp.initialize(lambda: [example])
    page = browser.new_page()
    page.goto(serve(nlp, nlp, component))
    page.wait_for_selector(f"{shown} >> nth=1", state="attached")
    assert page.locator("text=Traceback").count() == 0
    page.close()
