"""Folders of nuclei images by where they are from: ``python -m studies.adaptation.nuclei``.

Of the 2018 Data Science Bowl (BBBC038, CC0), as ``images``, ``masks`` and an ``index.csv`` with
``id``, ``height`` and ``kind`` of each image. Fluorescence in 256 rows is home; stained tissue and
fluorescence in 520 rows, at another magnification, are the other sites.
"""

from __future__ import annotations

import csv
import random
import sys
from collections.abc import Sequence
from pathlib import Path

__all__ = ["COUNTS", "link_sites"]

COUNTS = {
    "nuclei_home": (100,),
    "stained": (5, 25),
    "big": (5, 20),
}
"""Images of each site, to label and to test."""

Row = dict[str, str]


def link_sites(data: Path, out: Path) -> dict[str, list[str]]:
    """Link images and masks of each site into ``<site>_few`` and ``<site>_test``.

    Args:
        data: folder with ``index.csv``, ``images`` and ``masks``.
        out: gets the folders; home is one.

    Returns:
        The images of each folder.

    Raises:
        FileExistsError: if an image is there already.
    """
    with (data / "index.csv").open(encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    generator = random.Random(0)
    sites: dict[str, Sequence[Row]] = {
        "nuclei_home": [r for r in rows if r["kind"] == "fluorescence" and r["height"] == "256"],
        "stained": [r for r in rows if r["kind"] != "fluorescence"],
        "big": [r for r in rows if r["height"] == "520"],
    }
    linked: dict[str, list[str]] = {}
    for site, found in sites.items():
        drawn = [row["id"] for row in found]
        generator.shuffle(drawn)
        counts = COUNTS[site]
        names = [site] if len(counts) == 1 else [f"{site}_few", f"{site}_test"]
        for name, count in zip(names, counts, strict=True):
            linked[name], drawn = drawn[:count], drawn[count:]
            for image in linked[name]:
                _link(data, out / name, image)
    return linked


def _link(data: Path, folder: Path, image: str) -> None:
    for source, target in (("images", "images"), ("masks", "labels")):
        (folder / target).mkdir(parents=True, exist_ok=True)
        link = folder / target / f"{image}.png"
        link.symlink_to((data / source / f"{image}.png").absolute())


if __name__ == "__main__":
    if len(sys.argv) != 3:
        raise SystemExit("python -m studies.adaptation.nuclei DATA OUT")
    for place, images in link_sites(Path(sys.argv[1]), Path(sys.argv[2])).items():
        print(f"{place}: {len(images)}")
