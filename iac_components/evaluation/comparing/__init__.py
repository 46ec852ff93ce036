"""Paired comparison of evaluated runs, patient by patient."""
