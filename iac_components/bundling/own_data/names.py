"""Valid names of a user's data set."""

from __future__ import annotations

import re
from pathlib import Path

from iac_components.bundling.rendering.facts import IAC, known

__all__ = ["name_of_folder", "require_name"]

_NUMBERED = re.compile(r"^(Dataset|Task)\d+_")
"""Prefixes that nnU-Net and the Decathlon put before a data set's name."""

_NAME = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")


def name_of_folder(dataset_dir: Path) -> str:
    """Return a name for a data set by that of its folder.

    One that is taken by this collection, or cannot stand in a bundle's name, gets ``my_`` before.
    """
    folder = Path(dataset_dir).expanduser().absolute()
    stem = folder.stem if folder.suffix in (".json", ".yaml", ".yml") else folder.name
    words = re.findall(r"[a-z0-9]+", _NUMBERED.sub("", stem).casefold())
    # MONAI cuts a bundle's name at "_v".
    name = re.sub(r"_v", "v", "_".join(words)) or "data"
    taken = name in known(IAC / "datasets") or not _NAME.fullmatch(name)
    return f"my_{name}" if taken else name


def require_name(name: str, *, overwrite: bool) -> str:
    """Return a name that can stand in a bundle's.

    Args:
        name: of the data set.
        overwrite: whether it may be that of a data set of this collection.

    Raises:
        ValueError: if it is no such name; the message says why and gives the remedy.
    """
    if not _NAME.fullmatch(name):
        raise ValueError(
            f"--name '{name}' must be lower-case letters and digits, words joined by single "
            "underscores, a letter first. Choose for instance 'my_liver'."
        )
    # MONAI cuts a bundle's name from its version at the first such letters.
    if "_v" in name:
        raise ValueError(
            f"--name '{name}' holds '_v', where MONAI cuts a bundle's name from its version. "
            f"Choose for instance '{name.replace('_v', 'v')}'."
        )
    ours = known(IAC / "datasets")
    if name in ours and not overwrite:
        raise ValueError(
            f"--name '{name}' is a data set of this collection ({', '.join(ours)}). "
            "Choose another name, or pass --overwrite."
        )
    return name
