"""Time and peak memory of the demo, from nothing and with nothing changed.

python -m benchmarks.demo
"""

import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from wasabi import msg

ROOT = Path(__file__).parents[1]
# What the steps read of a fresh clone.
CLONE = ("project.yml", "configs", "scripts", "assets")
KIB_IN_GIB = 1024**2


def run_demo(folder: Path) -> float:
    """Run the demo in a clone, and return the seconds that it took."""
    start = time.perf_counter()
    command = [sys.executable, "-m", "spacy", "project", "run", "demo", str(folder)]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - start


def main() -> None:
    """Print how long the demo takes, and the memory of its largest process."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for part in CLONE:
            copy = shutil.copytree if (ROOT / part).is_dir() else shutil.copy
            copy(ROOT / part, folder / part)
        rows = [
            (label, f"{run_demo(folder):.0f}")
            for label in ("from nothing", "nothing changed")
        ]
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / KIB_IN_GIB
    msg.table(rows, header=("demo", "seconds"), divider=True, aligns=["l", "r"])
    msg.text(f"Peak memory of the largest process: {peak:.2f} GiB")


if __name__ == "__main__":
    main()
