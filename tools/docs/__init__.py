"""Build of the documentation."""
