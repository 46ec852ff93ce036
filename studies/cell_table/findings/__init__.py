"""Findings of a table: the best cells in it, and the searches that found them."""
