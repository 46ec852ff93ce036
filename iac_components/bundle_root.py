"""Where a bundle lies, so that it runs from any working directory."""

from __future__ import annotations

import inspect
from pathlib import Path

from monai.bundle import ConfigWorkflow

__all__ = ["bundle_root"]


def bundle_root() -> str:
    """Return the folder of the bundle whose config is being evaluated.

    A config does not know where it lies, and MONAI's default of ``"."`` ties a bundle to one
    working directory. The workflow that parses the config knows; it is found on the call stack.
    A config parsed without a workflow (MONAI Label, Deploy) sets ``bundle_root`` itself, and
    falls back to the working directory as everywhere in MONAI.
    """
    frame = inspect.currentframe()
    while frame is not None:
        workflow = frame.f_locals.get("self")
        if isinstance(workflow, ConfigWorkflow):
            folder = Path(workflow.config_root_path).absolute()
            return str(folder.parent if folder.name == "configs" else folder)
        frame = frame.f_back
    return str(Path.cwd())
