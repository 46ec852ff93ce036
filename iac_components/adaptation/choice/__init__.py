"""Choice among candidates by held-out patients, with proof of a gain or no change."""

from __future__ import annotations
