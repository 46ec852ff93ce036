"""Modules at the paths that configs of bundles name, of this version and of all earlier ones."""

from __future__ import annotations
