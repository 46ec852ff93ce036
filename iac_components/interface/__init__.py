"""Python interface, the program ``iac`` with its commands, and the scoring of label maps."""

from __future__ import annotations
