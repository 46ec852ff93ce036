"""Images and labels of a run: parts of a data set and their recipe, or what the user gives."""

from __future__ import annotations
