"""`spacy huggingface-hub push` of a wheel, to a hub on this machine."""

import base64
import json
import os
import subprocess
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import pytest
import spacy
import srsly
from conftest import case_of, metrics_of

from scripts.evaluation.card import describe, to_card
from scripts.evaluation.gates import pass_gates
from scripts.package import build


class Hub(BaseHTTPRequestHandler):
    """What the hub answers to a push; the files of its commit go into a folder."""

    folder: Path

    def answer(self, **fields):
        content = json.dumps(fields).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def do_GET(self):
        self.answer(name="me", type="user")

    def do_POST(self):
        content = self.rfile.read(int(self.headers["Content-Length"]))
        url = f"http://{self.headers['Host']}/me/en_new"
        if "/preupload/" in self.path:
            how = {"uploadMode": "regular", "shouldIgnore": False}
            files = json.loads(content)["files"]
            self.answer(files=[{"path": file["path"], **how} for file in files])
            return
        if "/commit/" in self.path:
            for line in map(json.loads, content.splitlines()):
                if line["key"] == "file":
                    path = self.folder / line["value"]["path"]
                    path.parent.mkdir(parents=True, exist_ok=True)
                    path.write_bytes(base64.b64decode(line["value"]["content"]))
        self.answer(url=url, commitUrl=f"{url}/commit/0", commitOid="0")

    def log_message(self, *args):
        """Print nothing."""


@pytest.fixture
def hub(tmp_path):
    """A hub on this machine; returns its address."""
    server = HTTPServer(("localhost", 0), Hub)
    server.RequestHandlerClass.folder = tmp_path / "hub"
    Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://localhost:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.mark.slow
def test_wheel_goes_up_as_it_is(base, hub, tmp_path):
    pytest.importorskip("spacy_huggingface_hub", reason="see scripts/extras/README.md")
    flu = case_of("Flu is here", [(0, 1, "FLU")], updated=[(0, 1, "FLU")])
    _, metrics = metrics_of([flu], labels=["FLU"])
    metrics |= pass_gates(metrics)
    base.to_disk(tmp_path / "base")
    nlp = spacy.load(tmp_path / "base")
    nlp.meta |= {"name": "new", "version": "0.2.0", "license": "CC BY-SA 3.0"}
    nlp.meta.update(describe(nlp.meta, metrics))
    card = to_card(nlp.meta, metrics, [])
    wheel = build(nlp, card, tmp_path / "none.py", tmp_path / "en_new-0.2.0")
    command = [sys.executable, "-m", "spacy", "huggingface-hub", "push", str(wheel)]
    env = {**os.environ, "HF_ENDPOINT": hub, "HF_TOKEN": "hf_none"}
    done = subprocess.run(command, env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    _, front, rest = (
        (tmp_path / "hub" / "README.md").read_text("utf-8").split("---\n", 2)
    )
    told = srsly.yaml_loads(front)
    assert told["tags"] == ["spacy", "token-classification"]
    assert (told["language"], told["license"]) == (["en"], "cc-by-sa-3.0")
    assert rest == card
    copy = tmp_path / "hub" / "en_new-any-py3-none-any.whl"
    assert copy.read_bytes() == wheel.read_bytes()
    # What is there is the pipeline, too.
    text = "Anna Berg flew to Oslo."
    assert spacy.load(tmp_path / "hub")(text).to_json() == base(text).to_json()
