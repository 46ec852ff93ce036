"""Contents of a bundle's zip file, byte for byte reproducible."""

from __future__ import annotations

import hashlib
import re
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, cast

from iac_components.common.files import read_json

PACKAGE = Path(__file__).parents[2]
WEIGHTS = "models/model.pt"
WEIGHTS_RECORD = "docs/weights.json"
MAX_JSON_BYTES = 1_000_000

# What a bundle's folder holds beside these was left there by runs: eval, data, other models.
_FILES = ("LICENSE", "genotype.json", "architecture.json")
_FOLDERS = ("configs", "docs")
_PACKAGE_FILES = ("*.py", "py.typed", "*.json")
# What makes bundles: none needs it to run.
_MAKERS = (
    "__main__.py",
    "interface/commands",
    "data/examples/Task04_Hippocampus",
    "bundling/own_data",
    "bundling/rendering",
)
# MONAI's lists split the names of zips by "_v", so that a name with it loses its rest there.
_VERSION_MARK = "_v"
_HIDDEN = re.compile(r"(^|/)(\.|__pycache__/)")
_EARLIEST = (1980, 1, 1, 0, 0, 0)
_UNIX = 3
_MODE = 0o100644


@dataclass(frozen=True)
class BundleZip:
    """A bundle's zip: its name, and the files in it.

    Attributes:
        name: the bundle's name, which is that of the zip's one top folder.
        version: from the bundle's metadata.
        members: path within the top folder to file on disk.
    """

    name: str
    version: str
    members: Mapping[str, Path]

    @property
    def key(self) -> str:
        """The zip's entry in ``model_info.json``."""
        return f"{self.name}_v{self.version}"

    def write(self, stream: IO[bytes]) -> None:
        """Write the zip: members sorted, without their times, owners and permissions."""
        with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
            for path in sorted(self.members):
                entry = zipfile.ZipInfo(f"{self.name}/{path}", _EARLIEST)
                entry.create_system = _UNIX
                entry.external_attr = _MODE << 16
                entry.compress_type = zipfile.ZIP_DEFLATED
                archive.writestr(entry, self.members[path].read_bytes())


def plan_zip(root: Path) -> BundleZip:
    """Find what the zip of the bundle in ``root`` holds: the bundle, and this package.

    Raises:
        ValueError: if the folder is no bundle, its name would be misread, or its weights are not
            those that it says it ships. The message names the file.
    """
    if _VERSION_MARK in root.name:
        raise ValueError(f"'{root.name}': MONAI takes what follows '_v' for a version. Rename it.")
    members = {path.relative_to(root).as_posix(): path for path in _bundle_files(root)}
    members |= {
        f"{PACKAGE.name}/{path.relative_to(PACKAGE).as_posix()}": path
        for pattern in _PACKAGE_FILES
        for path in PACKAGE.rglob(pattern)
        if not any(path.is_relative_to(PACKAGE / maker) for maker in _MAKERS)
    }
    return BundleZip(root.name, _version(root), members)


def _bundle_files(root: Path) -> Iterator[Path]:
    yield from (root / name for name in _FILES if (root / name).is_file())
    for folder in _FOLDERS:
        yield from (
            path
            for path in (root / folder).rglob("*")
            if path.is_file() and not _HIDDEN.search(path.relative_to(root).as_posix())
        )
    yield from _recorded_files(root)


def _version(root: Path) -> str:
    path = root / "configs" / "metadata.json"
    try:
        metadata = cast(Mapping[str, object], read_json(path, max_bytes=MAX_JSON_BYTES))
    except ValueError as error:
        raise ValueError(f"'{path}': {error} A bundle needs it for its version.") from error
    return str(metadata["version"])


def _recorded_files(root: Path) -> Iterator[Path]:
    """Yield the files on record; weights that a run left in the folder are not, nor shipped."""
    path = root / WEIGHTS_RECORD
    if not path.exists():
        return
    record = cast(Mapping[str, object], read_json(path, max_bytes=MAX_JSON_BYTES))
    files = record.get("files") or {WEIGHTS: record["sha256"]}
    for name, digest in cast(Mapping[str, str], files).items():
        file = root / name
        if not file.resolve().is_relative_to(root.resolve()):
            raise ValueError(f"'{path}' names '{name}', which is not in the bundle. Take it out.")
        found = hashlib.sha256(file.read_bytes()).hexdigest() if file.exists() else "no file"
        if found != digest:
            raise ValueError(f"'{file}' is {found}, but '{path}' ships sha256 {digest}.")
        yield file
