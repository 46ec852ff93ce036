"""Figures to PNG files: rendered without a display, written atomically, kept small."""

from __future__ import annotations

import io
from pathlib import Path

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from iac_components.common.files import atomic_write

__all__ = ["encode_png", "write_png"]

RESOLUTIONS = (110, 100, 88, 72, 56)  # dots an inch, tried in this order
LARGEST_SIDE = 3000  # pixels
LARGEST_FILE = 400_000  # bytes


def write_png(figure: Figure, path: str | Path) -> Path:
    """Render ``figure`` and write it as a PNG of at most 400 kB.

    ``Figure`` and ``FigureCanvasAgg`` are used instead of pyplot, which keeps figures and a
    backend in global state.

    Args:
        figure: the figure, drawn at 110 dots an inch, or at fewer if it would then have more than
            3000 pixels a side or 400 kB.
        path: the file to write.

    Returns:
        ``path`` as a Path.

    Raises:
        OSError: if the file cannot be written; it is then as it was.
    """
    encoded = encode_png(figure)
    with atomic_write(path) as stream:
        stream.write(encoded)
    return Path(path)


def encode_png(figure: Figure) -> bytes:
    """Render ``figure`` as ``write_png`` does, and return the PNG."""
    FigureCanvasAgg(figure)
    largest = LARGEST_SIDE / max(figure.get_size_inches())
    encoded = b""
    for dots_per_inch in RESOLUTIONS:
        encoded = _encode(figure, min(dots_per_inch, largest))
        if len(encoded) <= LARGEST_FILE:
            break
    return encoded


def _encode(figure: Figure, dots_per_inch: float) -> bytes:
    encoded = io.BytesIO()
    # No palette: 256 colours make a file smaller but leave bands in tinted grey images.
    figure.savefig(encoded, format="png", dpi=dots_per_inch, pil_kwargs={"optimize": True})
    return encoded.getvalue()
