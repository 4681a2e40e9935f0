"""Raw text at any scale: read, annotated in parallel, kept in shards, and sampled."""
