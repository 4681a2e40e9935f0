import os
import random
import re
import signal
import subprocess
import sys
import time
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
import srsly
from conftest import TEXTS, annotate_all

from scripts.docs import read_docs
from scripts.scale import shards
from scripts.scale.ray import check_address
from scripts.scale.shards import MANIFEST, checksum, finished_shards
from scripts.scale.start import start

ROOT = Path(__file__).parents[2]
PARTS = [[f"{text} It was {part}." for text, _ in TEXTS] for part in range(6)]
# A process that annotates the parts slowly enough to be killed in the middle.
SLOW = """
import sys, time
from pathlib import Path
from scripts.scale.start import start
from scripts.scale.shards import annotate_all
base, folder, n_process = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
def slowly():
    for part in {parts!r}:
        time.sleep(0.4)
        yield part
with start("local", n_process) as workers:
    list(annotate_all(slowly(), base, "ner", folder, workers))
"""


def n_lines(folder):
    return len([*folder.glob("*.spacy.json")])


def bytes_in(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.fixture(scope="module")
def whole(base_dir, tmp_path_factory):
    """What comes of a run that nothing stopped."""
    folder = tmp_path_factory.mktemp("whole")
    annotate_all(PARTS, base_dir, folder, 1)
    return bytes_in(folder)


def test_manifest_says_what_each_shard_holds(base, base_dir, tmp_path):
    manifest = annotate_all(PARTS, base_dir, tmp_path, 1)
    assert list(srsly.read_jsonl(tmp_path / MANIFEST)) == manifest
    docs = list(read_docs(tmp_path, base.vocab))
    assert [doc.text for doc in docs] == [text for part in PARTS for text in part]
    assert sum(s["docs"] for s in manifest) == len(docs)
    assert sum(s["tokens"] for s in manifest) == sum(map(len, docs))
    n_places = sum(ent.label_ == "GPE" for doc in docs for ent in doc.ents)
    assert sum(s["facts"]["GPE"] for s in manifest) == n_places > 0


def test_any_number_of_processes_gives_the_same_bytes(base_dir, tmp_path, whole):
    annotate_all(PARTS, base_dir, tmp_path, 3)
    assert bytes_in(tmp_path) == whole


@pytest.mark.parametrize("n_process", [1, 2])
def test_killed_at_any_time_it_goes_on_to_the_same_bytes(
    base_dir, tmp_path, whole, n_process
):
    rng = random.Random(n_process)
    code = SLOW.format(parts=PARTS)
    command = [sys.executable, "-c", code, base_dir, tmp_path, str(n_process)]
    for _ in range(2):
        n_done = n_lines(tmp_path)
        process = subprocess.Popen(command, start_new_session=True)
        while process.poll() is None and n_lines(tmp_path) == n_done:
            time.sleep(0.02)
        time.sleep(rng.random() * 0.2)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    # With two processes the first shard may be the last to be done.
    told = (*tmp_path.glob(MANIFEST), *tmp_path.glob("*.spacy.json"))
    done = [tmp_path / line["file"] for line in shards.read_lines(told).values()]
    before = [path.stat().st_mtime_ns for path in done]
    annotate_all(PARTS, base_dir, tmp_path, n_process)
    assert bytes_in(tmp_path) == whole
    assert before and [path.stat().st_mtime_ns for path in done] == before


def test_workers_end_with_a_killed_parent(base_dir, tmp_path):
    code = SLOW.format(parts=PARTS * 100)
    command = [sys.executable, "-c", code, base_dir, tmp_path, "2"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE)
    while not any(tmp_path.glob("*.spacy")):
        time.sleep(0.05)
    process.kill()
    # At an end when nobody has it open any more.
    process.communicate(timeout=30)


@pytest.mark.parametrize("harm", ["cut", "gone", "line"])
def test_shard_that_is_not_whole_is_made_again_and_no_other(
    base_dir, tmp_path, whole, harm
):
    annotate_all(PARTS, base_dir, tmp_path, 1)
    times = {path.name: path.stat().st_mtime_ns for path in tmp_path.iterdir()}
    shard, manifest = tmp_path / "00002.spacy", tmp_path / MANIFEST
    if harm == "cut":
        shard.write_bytes(shard.read_bytes()[:-1])
    elif harm == "gone":
        shard.unlink()
    else:
        lines = manifest.read_text().splitlines(keepends=True)
        manifest.write_text(
            "".join(lines[:2]) + lines[2][:9] + "\n" + "".join(lines[3:])
        )
    annotate_all(PARTS, base_dir, tmp_path, 1)
    assert bytes_in(tmp_path) == whole
    again = {
        p.name
        for p in tmp_path.glob("*.spacy")
        if p.stat().st_mtime_ns != times[p.name]
    }
    assert again == {"00002.spacy"}


def test_changed_text_makes_its_shard_again_and_no_other(base_dir, tmp_path):
    annotate_all(PARTS, base_dir, tmp_path, 1)
    before = bytes_in(tmp_path)
    annotate_all([PARTS[0], ["Another."], *PARTS[2:5]], base_dir, tmp_path, 1)
    after = bytes_in(tmp_path)
    changed = {name for name in before if after.get(name) != before[name]}
    assert changed == {"00001.spacy", "00005.spacy", MANIFEST}
    assert "00005.spacy" not in after


def test_other_files_in_the_folder_stay_and_are_not_read(base_dir, tmp_path):
    theirs = {"notes.txt", "20240131.spacy", "gold.spacy.json"}
    for name in theirs:
        (tmp_path / name).write_text('{"docs": 3}')
    annotate_all(PARTS, base_dir, tmp_path)
    annotate_all(PARTS[:2], base_dir, tmp_path)
    ours = {"00000.spacy", "00001.spacy"}
    assert {path.name for path in tmp_path.iterdir()} == {*theirs, *ours, MANIFEST}
    files = finished_shards(tmp_path, checksum(tmp_path / MANIFEST))
    assert [path.name for path in files] == sorted(ours)


@pytest.mark.parametrize("harm", ["stopped", "cut", "another", "gone"])
def test_shards_that_no_finished_run_left_are_refused(base_dir, tmp_path, harm):
    annotate_all(PARTS, base_dir, tmp_path)
    manifest = checksum(tmp_path / MANIFEST)

    def stopped():
        yield PARTS[1]
        raise KeyboardInterrupt

    if harm == "stopped":
        with pytest.raises(KeyboardInterrupt):
            annotate_all(stopped(), base_dir, tmp_path)
    elif harm == "cut":
        (tmp_path / "00002.spacy").write_bytes(b"")
    elif harm == "another":
        annotate_all(PARTS[:2], base_dir, tmp_path)
    else:
        (tmp_path / MANIFEST).unlink()
    with pytest.raises(ValueError, match="is not as rehearse left it: run rehearse"):
        finished_shards(tmp_path, manifest)


def test_shards_of_a_run_that_went_further_are_not_those_of_the_finished_one(
    base_dir, tmp_path
):
    annotate_all(PARTS[:2], base_dir, tmp_path)
    manifest = checksum(tmp_path / MANIFEST)

    def stopped():
        yield from PARTS[:3]
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        annotate_all(stopped(), base_dir, tmp_path)
    names = [path.name for path in finished_shards(tmp_path, manifest)]
    assert names == ["00000.spacy", "00001.spacy"]


def test_shard_without_a_line_is_made_again_and_lines_beside_a_manifest_go(
    base_dir, tmp_path, whole
):
    annotate_all(PARTS, base_dir, tmp_path)
    # As a kill leaves it before a line is written, and before lines are removed.
    lines = (tmp_path / MANIFEST).read_text().splitlines(keepends=True)
    for number, line in enumerate(lines[:3]):
        (tmp_path / f"0000{number}.spacy.json").write_text(line)
    (tmp_path / MANIFEST).write_text("".join(lines[:5]))
    annotate_all(PARTS, base_dir, tmp_path)
    assert bytes_in(tmp_path) == whole


def test_object_storage_gets_the_same_bytes_and_keeps_what_is_done(base_dir, whole):
    upath = pytest.importorskip("upath", reason="requirements-raw.txt")
    folder = upath.UPath("memory://bucket/rehearsal")

    def stopped():
        yield from PARTS[:3]
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        annotate_all(stopped(), base_dir, folder, 1)
    before = {path: path.fs.ukey(path.path) for path in folder.glob("*.spacy")}
    assert len(before) == 3
    annotate_all(PARTS, base_dir, folder, 1)
    assert bytes_in(folder) == whole
    assert {path: path.fs.ukey(path.path) for path in before} == before


def test_part_of_which_no_text_is_new_is_a_shard_without_docs(base, base_dir, tmp_path):
    manifest = annotate_all([PARTS[0], [], PARTS[1]], base_dir, tmp_path, 1)
    assert [shard["docs"] for shard in manifest] == [5, 0, 5]
    assert len(list(read_docs(tmp_path, base.vocab))) == 10


# As a step, where no file can grow larger than some bytes.
CRAMPED = """
import resource, signal, sys
from pathlib import Path
from scripts.command import run
from scripts.scale.start import start
from scripts.scale.shards import annotate_all
base, folder, n_process, n_bytes = sys.argv[1:]
def main():
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (int(n_bytes), int(n_bytes)))
    with start("local", int(n_process)) as workers:
        list(annotate_all({parts!r}, Path(base), "ner", Path(folder), workers))
del sys.argv[1:]
run(main)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="has no limit on a file's size")
@pytest.mark.parametrize("n_process", [1, 2])
def test_full_disk_is_an_error_in_one_line_and_done_shards_are_kept(
    base, base_dir, tmp_path, n_process
):
    parts = [*PARTS[:2], [text for part in PARTS * 40 for text in part]]
    annotate_all(parts, base_dir, tmp_path / "whole", 1)
    sizes = [p.stat().st_size for p in sorted((tmp_path / "whole").glob("*.spacy"))]
    folder, code = tmp_path / "cramped", CRAMPED.format(parts=parts)
    arguments = [base_dir, folder, str(n_process), str(sizes[2] // 2)]
    command = [sys.executable, "-c", code, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 1
    assert re.fullmatch(
        r"Error: .*00002\.spacy': make room and run again\. What is done is kept\.\n",
        done.stderr,
    )
    assert {p.name for p in folder.glob("*.spacy")} == {"00000.spacy", "00001.spacy"}
    annotate_all(parts, base_dir, folder, n_process)
    assert bytes_in(folder) == bytes_in(tmp_path / "whole")


def killed(*args, **kwargs):
    os.kill(os.getpid(), signal.SIGKILL)


def test_killed_worker_is_an_error_in_one_line(base_dir, tmp_path, monkeypatch):
    monkeypatch.setattr("scripts.scale.shards.annotate", killed)
    with pytest.raises(ValueError, match=r"A process was killed.*What is done is kept"):
        annotate_all(PARTS, base_dir, tmp_path, 2)


@pytest.mark.parametrize("n_process", [1, 2])
def test_results_before_an_item_that_cannot_be_read_come_first(n_process):
    def read():
        yield from ("a text", "two")
        raise ValueError("raw.jsonl:3: not UTF-8.")

    with start("local", n_process) as workers:
        lengths = workers.map(len, read())
        assert [next(lengths), next(lengths)] == [6, 3]
        with pytest.raises(ValueError, match=r"^raw\.jsonl:3: not UTF-8\.$"):
            next(lengths)


@pytest.mark.ray
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_ray_cluster_that_loses_a_node_half_way_writes_the_same_bytes(
    base_dir, tmp_path, monkeypatch
):
    ray = pytest.importorskip("ray", reason="requirements-ray.txt")
    from ray.cluster_utils import Cluster

    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1})
    node = cluster.add_node(num_cpus=1)
    parts = PARTS * 10
    annotate_all(parts, base_dir, tmp_path / "whole")
    monkeypatch.setenv("RAY_ADDRESS", cluster.address)
    folder = tmp_path / "cluster"
    try:
        with start("ray", 1) as workers:
            assert workers.n_jobs == 2
            lines = shards.annotate_all(parts, base_dir, "ner", folder, workers)
            done = [line["file"] for line in islice(lines, 3)]
            assert done == ["00000.spacy", "00001.spacy", "00002.spacy"]
            cluster.remove_node(node, allow_graceful=False)
            assert n_lines(folder) < len(parts)
            assert len(list(lines)) == len(parts) - 3
    finally:
        ray.shutdown()
        cluster.shutdown()
    assert bytes_in(folder) == bytes_in(tmp_path / "whole")


@pytest.mark.ray
@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore:The minimum number")
def test_what_fails_on_ray_is_an_error_in_one_line_after_what_is_done():
    pytest.importorskip("ray", reason="requirements-ray.txt")

    def read():
        yield "a text"
        raise ValueError("raw.jsonl:2: not UTF-8.")

    with start("ray", 1) as workers:
        lengths = workers.map(len, read())
        assert next(lengths) == 6
        with pytest.raises(ValueError, match=r"^raw\.jsonl:2: not UTF-8\.$"):
            next(lengths)
    killed = "A process of the cluster was killed.*What is done is kept"
    with pytest.raises(ValueError, match=killed), start("ray", 1) as workers:
        list(workers.map(signal.raise_signal, [signal.SIGKILL]))


@pytest.mark.ray
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_ray_cluster_that_lets_nobody_in_is_an_error_that_says_what_to_do(tmp_path):
    pytest.importorskip("ray", reason="requirements-ray.txt")
    from ray.cluster_utils import Cluster

    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1})
    try:
        connect = "import sys; from scripts.scale.ray import connect"
        result = subprocess.run(
            [sys.executable, "-c", f"{connect}; connect(sys.argv[1])", cluster.address],
            env={**os.environ, "RAY_AUTH_MODE": "token", "HOME": str(tmp_path)},
            capture_output=True,
            text=True,
        )
    finally:
        cluster.shutdown()
    *_, error = result.stderr.strip().splitlines()
    assert error.startswith("ValueError: Ray: ")
    assert "Set RAY_AUTH_MODE=token where" in error


@pytest.mark.ray
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_ray_with_no_address_is_not_held_up_by_a_cluster_that_is_gone(monkeypatch):
    pytest.importorskip("ray", reason="requirements-ray.txt")
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    # Sockets have short paths.
    with TemporaryDirectory(dir="/tmp") as folder:
        current = Path(folder, "ray", "ray_current_cluster")
        current.parent.mkdir()
        current.write_text("127.0.0.1:1", "utf-8")
        connect = "from scripts.scale.ray import connect; connect('')"
        subprocess.run(
            [sys.executable, "-c", connect],
            env={**os.environ, "RAY_TMPDIR": folder},
            timeout=120,
            check=True,
        )


@pytest.mark.parametrize("address", ["localhost:1", "ray://localhost:1"])
def test_ray_address_that_nobody_answers_is_an_error(address):
    with pytest.raises(
        ValueError, match=f"Nobody answers at the Ray address {address}"
    ):
        check_address(address)
