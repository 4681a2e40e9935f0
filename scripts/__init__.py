"""The steps of the project: see project.yml, which runs each as `scripts.<step>`."""

import os
import sys

# `n_process` processes share the cores: numpy would use all of them in each.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
# A step depends on the checksum of folders of code: bytecode in them would run it again
# for nothing.
sys.dont_write_bytecode = True
