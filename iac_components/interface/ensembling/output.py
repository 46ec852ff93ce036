"""The output folder of an ensemble: new, or of the same one."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

from iac_components.bundling.options import OptionError
from iac_components.common.files import Fields, read_json, write_json
from iac_components.data.faults import found_in
from iac_components.engine import OwnedFolders

__all__ = ["claim_output"]

RECORD = "ensemble.json"
MAX_BYTES = 1_000_000
SCHEMA_VERSION = 1


def claim_output(out: Path, folders: Sequence[Path], *, images: Path | None) -> OwnedFolders:
    """Own the output folder, and note in ``ensemble.json`` what is averaged into it.

    The segmentations of other images than ``images`` are removed.

    Args:
        out: the folder.
        folders: of the members.
        images: folder of the images to segment; None if there are none.

    Raises:
        OptionError: if it holds anything else than the same average.
        FolderInUseError: if another process uses it.
    """
    path = out / RECORD
    averaged = [str(folder) for folder in folders]
    place = None if images is None else str(images)
    if path.is_file():
        before = _read(path)
        if before.items("averaged") != averaged:
            raise OptionError(
                f"output_dir '{out}' holds the average of {', '.join(before.strings('averaged'))}. "
                "Pass another folder with --output_dir."
            )
        if before.get("images") != place:
            shutil.rmtree(out / "images", ignore_errors=True)
    elif out.is_dir() and any(out.iterdir()):
        raise OptionError(
            f"output_dir '{out}' is in use: it holds {found_in(out)}. Pass a new folder with "
            "--output_dir."
        )
    owned = OwnedFolders(output_dir=out)
    owned.claim()
    write_json(path, {"schema_version": SCHEMA_VERSION, "averaged": averaged, "images": place})
    return owned


def _read(path: Path) -> Fields:
    try:
        fields = Fields.of(read_json(path, max_bytes=MAX_BYTES), error=OptionError)
        fields.strings("averaged")
        fields.get("images")
    except ValueError as error:
        raise OptionError(f"'{path}': {error} Pass another folder with --output_dir.") from error
    return fields
