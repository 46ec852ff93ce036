"""Images and labels of a run: parts of a data set with their recipe, or the user's own."""

from __future__ import annotations
