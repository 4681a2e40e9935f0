"""What two pipelines find in gold docs: counted, judged, and told apart."""
