"""What a person annotated: rows in, records and docs out. Knows no paths."""
