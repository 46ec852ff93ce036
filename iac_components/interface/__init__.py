"""Python interface, and the commands of ``iac``."""

from __future__ import annotations
