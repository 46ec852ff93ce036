"""Downloaded inference bundles: what an adaptation needs of them, read and never written to."""

from __future__ import annotations
