"""Current run, found on the call stack: a config's expression does not know its evaluator."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from types import FrameType
from typing import TypeVar

from monai.bundle import ConfigParser, ConfigWorkflow, create_workflow

__all__ = [
    "WorkflowCall",
    "frames",
    "is_run_by_config",
    "running_parser",
    "running_workflow",
    "workflow_call",
]

T = TypeVar("T")


@dataclass(frozen=True)
class WorkflowCall:
    """Arguments of the ``create_workflow`` that made the current workflow.

    Attributes:
        config_file: file, files or comma-separated files of the config.
        arguments: all others, those of ``args_file`` included: options of the workflow, and
            overrides of the config by id.
    """

    config_file: object
    arguments: Mapping[str, object] = field(default_factory=dict)


def running_parser() -> ConfigParser:
    """Find the parser of the config that is being evaluated.

    Raises:
        RuntimeError: if this is not called from a config.
    """
    parser = _innermost(ConfigParser)
    if parser is None:
        raise RuntimeError("this is called by a bundle's config, and there is none.")
    return parser


def is_run_by_config() -> bool:
    """Return True while a config runs, and not a program that took objects out of it."""
    return _innermost(ConfigParser) is not None


def running_workflow() -> ConfigWorkflow | None:
    """Find the workflow that evaluates the config; None for a parser on its own."""
    return _innermost(ConfigWorkflow)


def workflow_call() -> WorkflowCall | None:
    """Find the call of ``create_workflow`` (MONAI's command makes one); None if there is none."""
    for frame in frames():
        if frame.f_code is create_workflow.__code__:
            found = frame.f_locals
            return WorkflowCall(found.get("config_file"), found.get("_args", {}))
    return None


def _innermost(kind: type[T]) -> T | None:
    owners = (frame.f_locals.get("self") for frame in frames())
    return next((owner for owner in owners if isinstance(owner, kind)), None)


def frames() -> Iterator[FrameType]:
    """Yield the calls at work, innermost first."""
    frame = inspect.currentframe()
    while frame is not None:
        yield frame
        frame = frame.f_back
