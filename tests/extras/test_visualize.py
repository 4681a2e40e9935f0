import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
from conftest import make_pipeline

ROOT = Path(__file__).parents[2]


@pytest.fixture
def address(base, tmp_path):
    """Where the page is served, for a base and an update that finds DISEASE."""
    pytest.importorskip("spacy_streamlit", reason="requirements-visualize.txt")
    updated = make_pipeline("own")
    patterns = [{"label": "DISEASE", "pattern": "Flu"}]
    updated.add_pipe("entity_ruler", before="ner").add_patterns(patterns)
    updated.get_pipe("ner").add_label("DISEASE")
    for name, nlp in (("base", base), ("updated", updated)):
        nlp.to_disk(tmp_path / name)
    with socket.socket() as free:
        free.bind(("localhost", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "streamlit", "run", "scripts/extras/visualize.py"]
    command += ["--server.headless", "true", "--server.port", str(port)]
    command += ["--", tmp_path / "base", tmp_path / "updated"]
    server = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL)
    while socket.socket().connect_ex(("localhost", port)):
        assert server.poll() is None
        time.sleep(0.1)
    yield f"http://localhost:{port}"
    server.terminate()
    server.wait()


@pytest.mark.browser
def test_typed_text_is_seen_by_both_pipelines_side_by_side(browser, address):
    page = browser.new_page()
    page.goto(address)
    page.fill("textarea", "Flu is back in <b>Oslo</b>.")
    page.keyboard.press("Control+Enter")
    page.wait_for_selector("mark >> text=DISEASE")
    marks = [" ".join(mark.split()) for mark in page.locator("mark").all_inner_texts()]
    assert marks.count("Flu DISEASE") == 1
    assert page.locator("b >> text=Oslo").count() == 0
    page.close()
