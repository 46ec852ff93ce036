"""Training of parts on prepared cases, and scores of what came of it."""

from __future__ import annotations
