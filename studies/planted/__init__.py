"""Planted spaces: searches whose right answer is known."""
