"""Evidence for the parts of a supernet: losses by patient without each, and their costs."""

from __future__ import annotations
