"""Colours and names for reading: the same operation looks the same in every picture."""

from __future__ import annotations

import re
from collections.abc import Sequence

__all__ = ["DARK", "FURTHER", "GREY", "LIGHT", "PALETTE", "display_name", "operation_colours"]

DARK = "#222222"
GREY = "#8c8c8c"
LIGHT = "#e8e8e8"

# Okabe and Ito, Color Universal Design (2008), without yellow, which is too faint on white.
PALETTE = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00", "#000000")
# For operations a user registered: Paul Tol's "muted" scheme, which is colour-blind safe too.
FURTHER = ("#882255", "#44aa99", "#999933", "#332288", "#aa4499", "#ddcc77", "#661100")

FIXED = {
    "none": GREY,
    "skip_connect": "#000000",
    "max_pool_3x3": "#d55e00",
    "avg_pool_3x3": "#e69f00",
    "sep_conv_3x3": "#0072b2",
    "sep_conv_5x5": "#56b4e9",
    "dil_conv_3x3": "#009e73",
    "dil_conv_5x5": "#cc79a7",
    # DiNTS: the whole convolution stands out, the flat ones are told apart.
    "conv_3x3": "#1f3fbf",
    "conv_3x3x3": "#2a52be",
    "conv_3x3x1": "#e8a317",
    "conv_3x1x3": "#0a8f6c",
    "conv_1x3x3": "#c2569a",
}


def operation_colours(operations: Sequence[str]) -> dict[str, str]:
    """Return a colour (hex) for each operation.

    The operations of the PC-DARTS set and of DiNTS have fixed colours; others take
    further colours in the order of ``operations``, from the start again after seven.
    """
    others = [name for name in operations if name not in FIXED]
    further = {name: FURTHER[index % len(FURTHER)] for index, name in enumerate(others)}
    return {name: FIXED.get(name) or further[name] for name in operations}


def display_name(name: str) -> str:
    """Return a name as printed in a picture: ``sep_conv_3x3`` becomes ``sep conv 3×3``."""
    return re.sub(r"(?<=\d)x(?=\d)", "×", name).replace("_", " ")
