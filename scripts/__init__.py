"""The steps of the project, one a file; see project.yml."""

import os

# Processes share the cores, as `n_process` says; numpy would start a thread for each
# core in every one of them.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
