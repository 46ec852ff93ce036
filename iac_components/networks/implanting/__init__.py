"""Skip modules in the skip connections of a network: where they fit, and how they get there."""

from __future__ import annotations
