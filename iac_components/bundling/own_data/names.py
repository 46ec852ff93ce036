"""Valid names of a user's data set."""

from __future__ import annotations

import re

from iac_components.bundling.rendering.facts import IAC, known

__all__ = ["require_name"]

_NAME = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")


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
