"""Single steps: levers, memory, growth, inference."""

from __future__ import annotations
