"""Ways of updating, to be tried side by side on the same data and budget."""
