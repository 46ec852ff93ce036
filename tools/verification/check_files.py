"""The folder of a bundle: its name, its files, its licences."""

from __future__ import annotations

import re
from collections.abc import Iterator

from verification.bundle import METHOD, STAGES, Bundle, read_json
from verification.checks import register_check
from verification.workbench import Workbench

__all__ = ["check_files"]

CONFIGS = {
    "search": ("search", "multi_gpu_search"),
    "train": ("train", "evaluate", "multi_gpu_train", "multi_gpu_evaluate"),
    "inference": ("inference",),
}
ZOO_LIMIT = 25_000_000
"""Bytes of a file that the model zoo takes into its repository."""


@register_check("files")
def check_files(bundle: Bundle, workbench: Workbench) -> Iterator[str]:
    """Name, required files, licences, sizes, JSON files without a repeated key."""
    if bundle.stage not in STAGES or f"_{METHOD}_" not in bundle.name:
        yield f"{bundle.name}: is not named <dataset>_<backbone>_{METHOD}_<{'|'.join(STAGES)}>"
        return
    if re.search(r"_v\d*", bundle.name):
        yield f"{bundle.name}: holds '_v', where MONAI splits a name from its version"
    yield from _missing(bundle)
    licence = bundle.root / "LICENSE"
    if licence.is_file() and licence.read_bytes() != workbench.licence.read_bytes():
        yield "LICENSE: is not the repository's"
    data_licence = bundle.root / "docs" / "data_license.txt"
    if data_licence.is_file():
        text = data_licence.read_text(encoding="utf-8")
        for word in ("Licence of the data: ", "Cite: "):
            if word not in text:
                yield f"docs/data_license.txt: has no '{word.strip()}'"
    for path in sorted(bundle.root.rglob("*.json")):
        try:
            read_json(path)
        except ValueError as error:
            yield f"{bundle.where(path.parent)}/{error}"
    for path in sorted(bundle.root.rglob("*")):
        if path.is_file() and path.stat().st_size > ZOO_LIMIT:
            yield f"{bundle.where(path)}: is larger than {ZOO_LIMIT} bytes"


def _missing(bundle: Bundle) -> Iterator[str]:
    configs = [f"configs/{name}.json" for name in ("metadata", *CONFIGS[bundle.stage])]
    required = ["LICENSE", "docs/README.md", "docs/data_license.txt", "configs/logging.conf"]
    if bundle.stage != "search":
        required.append("genotype.json")
    for name in (*required, *configs):
        path = bundle.root / name
        if not path.is_file() or path.stat().st_size == 0:
            yield f"{name}: is missing or empty"
    for path in sorted((bundle.root / "configs").iterdir()):
        if path.suffix != ".json" and path.name != "logging.conf":
            yield f"configs/{path.name}: is no config"
