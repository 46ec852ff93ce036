"""Rows of a table: which configurations and patients, and where their scores are kept."""
