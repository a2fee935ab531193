"""The finalists of a search on fresh seeds: what is a difference, what is chance, what is not decided."""
