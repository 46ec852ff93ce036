"""Runs of ``iac run`` on whole data sets, written up."""
