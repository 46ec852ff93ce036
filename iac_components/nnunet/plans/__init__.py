"""nnU-Net's plans: read, and written again for cells or for a search."""

from __future__ import annotations
