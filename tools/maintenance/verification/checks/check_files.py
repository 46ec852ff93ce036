"""The folder of a bundle: its name, its files, its licences."""

from __future__ import annotations

from collections.abc import Iterator

from tools.maintenance.verification.bundle import STAGES, Bundle, UnknownBundleError, read_json
from tools.maintenance.verification.checks.registry import register_check
from tools.maintenance.verification.workbench import Workbench

__all__ = ["check_files"]

CONFIGS = {
    "search": ("search", "multi_gpu_search"),
    "train": (
        *("train", "postprocess", "evaluate", "multi_gpu_train", "multi_gpu_evaluate"),
        "inference",
    ),
    "inference": ("inference",),
}
VERSION_MARK = "_v"
"""Place where MONAI's lists cut a name."""
ZOO_LIMIT = 25_000_000
"""Bytes of a file that the model zoo takes into its repository."""


@register_check("files")
def check_files(bundle: Bundle, workbench: Workbench) -> Iterator[str]:
    """Check name, required files, licences, sizes, and JSON files for repeated keys."""
    try:
        method = bundle.method
    except UnknownBundleError as error:
        yield str(error)
        return
    if bundle.stage not in STAGES:
        yield f"{bundle.name}: is not named {method.pattern}{method.mark}<{'|'.join(STAGES)}>"
        return
    if VERSION_MARK in bundle.name:
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
        required.append(bundle.method.architecture_file)
    for name in (*required, *configs):
        path = bundle.root / name
        if not path.is_file() or path.stat().st_size == 0:
            yield f"{name}: is missing or empty"
    for path in sorted((bundle.root / "configs").iterdir()):
        if path.suffix != ".json" and path.name != "logging.conf":
            yield f"configs/{path.name}: is no config"
