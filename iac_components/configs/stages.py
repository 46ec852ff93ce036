"""Stages of a bundle, and the settings in which they differ."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

__all__ = ["STAGES", "Stage"]


@dataclass(frozen=True)
class Stage:
    """Settings of a session for a kind of run, by ids of its config; missing ids are skipped.

    Attributes:
        trains: the run changes weights: it is seeded, recorded, and can be resumed.
        handlers: id of the handlers of the engine that is run.
        parts: names of the parts of the data set, with where their cases are listed; a training's
            are those of its record.
        components: what is built before any data are read; None for all that a training has.
        preflight: arguments of the check of the data, beside those that options give.
    """

    trains: bool
    handlers: str = "train#handlers"
    parts: Mapping[str, str] = field(default_factory=dict)
    components: Sequence[str] = ()
    preflight: Mapping[str, object] = field(default_factory=dict)


_WHOLE = {"min_size": (1, 1, 1)}
"""A volume that no patch is cut from may have any size."""

_EVALUATED = (
    *("validate#inferer", "validate#preprocessing", "validate#postprocessing"),
    "validate#key_metric",
)

STAGES: Mapping[str, Stage] = MappingProxyType(
    {
        "search": Stage(trains=True),
        "train": Stage(trains=True),
        "evaluate": Stage(
            trains=False,
            handlers="validate#handlers",
            parts={"test": "validate#dataset#data"},
            components=_EVALUATED,
            preflight=_WHOLE,
        ),
        "postprocess": Stage(
            trains=False,
            handlers="validate#handlers",
            parts={"validation": "validate#dataset#data"},
            components=_EVALUATED,
            preflight=_WHOLE,
        ),
        "inference": Stage(
            trains=False,
            handlers="handlers",
            parts={"images": "dataset#data"},
            components=("inferer", "preprocessing", "postprocessing"),
            preflight=_WHOLE,
        ),
    }
)
