"""Runs of several folds."""
