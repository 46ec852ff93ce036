"""The search of a cell inside nnU-Net's training loop."""

from __future__ import annotations
