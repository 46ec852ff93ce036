"""Single steps: time, memory, growth, inference."""

from __future__ import annotations
