"""What two pipelines find in gold docs: scores, changes and the verdict."""
