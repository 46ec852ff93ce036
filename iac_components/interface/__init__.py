"""Python interface, and the program ``iac`` with its commands."""

from __future__ import annotations
