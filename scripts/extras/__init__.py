"""What is beside the path: can be deleted, and an update still runs."""
