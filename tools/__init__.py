"""Commands of this repository; what bundles need to be rendered is in the package."""

from __future__ import annotations
