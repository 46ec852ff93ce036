"""Writing of the three bundles: all of them, or none."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

from iac_components.bundling.rendering.combination import Combination, render
from iac_components.bundling.rendering.facts import BUNDLES, STAGES
from iac_components.common.files import require_writable_directory, write_text

__all__ = ["require_folders", "write_combination"]


def require_folders(combination: Combination, *, overwrite: bool) -> None:
    """Check that the bundles may be written where they would be.

    Raises:
        FileExistsError: if one is there already and ``overwrite`` is false.
        ValueError: if the folder is this collection's own, whose bundles come from sources.
    """
    if combination.bundles.resolve() == BUNDLES.resolve():
        raise ValueError(
            f"--out '{combination.bundles}' is this collection's own folder, which holds only what "
            "the project renders. Pass another folder."
        )
    there = [str(root) for stage in STAGES if os.path.lexists(root := combination.root(stage))]
    if there and not overwrite:
        raise FileExistsError(
            f"{', '.join(there)} is there already. Pass another --name or --out, or --overwrite to "
            "replace the rendered files (models and results in it stay)."
        )


def write_combination(combination: Combination, *, overwrite: bool = False) -> list[Path]:
    """Render the three bundles and put them into place; returns their folders.

    Everything is rendered and written beside its place first, so that an error or a full disk
    leaves what was there before. In a folder that exists, only rendered files are replaced.

    Raises:
        FileExistsError: see :func:`require_folders`, as for ValueError.
        OSError: if the folder cannot be written.
    """
    require_folders(combination, overwrite=overwrite)
    texts = [item for stage in STAGES for item in render(combination, stage)]
    out = require_writable_directory(combination.bundles, name="out")
    roots = [combination.root(stage) for stage in STAGES]
    with tempfile.TemporaryDirectory(dir=out, prefix=".iac_new.") as folder:
        stage_dir = Path(folder)
        for path, text in texts:
            write_text(stage_dir / path.relative_to(combination.bundles), text)
        _move_into_place(stage_dir, roots)
    return roots


def _move_into_place(source: Path, roots: list[Path]) -> None:
    """Move bundles by renaming; on an error, new ones are removed again."""
    new = [root for root in roots if not root.exists()]
    try:
        for root in roots:
            if root in new:
                os.replace(source / root.name, root)
                continue
            for path in sorted((source / root.name).rglob("*")):
                target = root / path.relative_to(source / root.name)
                if path.is_dir():
                    target.mkdir(exist_ok=True)
                else:
                    os.replace(path, target)
    except BaseException:
        for root in new:
            shutil.rmtree(root, ignore_errors=True)
        raise
