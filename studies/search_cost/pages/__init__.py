"""Reports, tables and pictures of the searches."""

from __future__ import annotations
