"""Files of checkpoints: finding them, and reading the intact ones."""

from __future__ import annotations

import logging
import re
from pathlib import Path

from iac_components.common.files.tensor_files import read_tensors

__all__ = ["FORMAT", "CheckpointError", "find_checkpoints", "read_checkpoint"]

FORMAT = "iac_components.checkpoint/2"
"""Marks a file as one of ours, and its version."""

_WITHOUT_RECORD = "iac_components.checkpoint/1"
"""Of version 0.4.0 and before."""

_FIELDS = frozenset(("format", "run", "epoch", "iteration", "ended", "scaler", "objects"))
_RUN_FIELDS = frozenset(("identity", "epochs", "steps_per_epoch", "extensions"))
_NAME = re.compile(r"checkpoint_epoch=(\d+)\.pt")
_LOGGER = logging.getLogger("iac_components.checkpoint")


class CheckpointError(RuntimeError):
    """A checkpoint that belongs to another run."""


def find_checkpoints(directory: Path) -> list[tuple[int, Path]]:
    """Epoch and path of every checkpoint in a folder, newest first."""
    files = (path for path in directory.glob("checkpoint_*.pt") if path.is_file())
    matches = ((_NAME.fullmatch(path.name), path) for path in files)
    return sorted(((int(m[1]), path) for m, path in matches if m), reverse=True)


def read_checkpoint(path: Path, *, quiet: bool = False) -> dict[str, object] | None:
    """Return the content of a checkpoint, or None with one line in the log if it is damaged.

    Args:
        path: the file.
        quiet: for a look ahead: log nothing, and leave the tensors on the disk.

    Raises:
        CheckpointError: if it is of a version that kept no record of its run.
    """
    try:
        content = read_tensors(path, mmap=quiet)
    except Exception as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        if not quiet:
            _LOGGER.warning(
                f"Checkpoint '{path}' cannot be read ({reason}); trying the one before."
            )
        return None
    if isinstance(content, dict) and content.get("format") == _WITHOUT_RECORD:
        raise CheckpointError(
            f"Checkpoint '{path}' was written by version 0.4.0 or earlier, which kept no record of "
            "the run: whose it is cannot be told. End that run with the version it began with, "
            "choose another output folder, or start afresh with --resume False (older checkpoints "
            "are set aside)."
        )
    if not isinstance(content, dict) or not _is_ours(content):
        if not quiet:
            _LOGGER.warning(f"'{path}' is not a checkpoint of ours; trying the one before.")
        return None
    return content


def _is_ours(content: dict[str, object]) -> bool:
    run = content.get("run")
    return (
        content.get("format") == FORMAT
        and not _FIELDS - set(content)
        and isinstance(run, dict)
        and not _RUN_FIELDS - set(run)
        and isinstance(run["identity"], dict)
    )
