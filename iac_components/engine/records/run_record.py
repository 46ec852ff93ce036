"""All that defines a run, kept in its checkpoints and beside its results."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field

import ignite
import monai
import numpy as np
import torch

import iac_components

__all__ = ["LOADED_BY", "WEIGHTS_PUT", "CaseList", "RunRecord", "digest_of", "package_versions"]

LOADED_BY = "file loaded by "
"""Prefix, in the identity, of a file that a handler loads; its place in the config follows."""

WEIGHTS_PUT = "weights put into the network before the run"
"""Key, in the identity, of weights that differ from those that the network was built with."""

_SHOWN = 8
_LONGEST = 80


def package_versions() -> dict[str, str]:
    """Versions of this package and of those that compute."""
    return {
        "iac_components": iac_components.__version__,
        "monai": monai.__version__,
        # Its own class, which no reader of plain data knows.
        "torch": str(torch.__version__),
        "pytorch-ignite": ignite.__version__,
        "numpy": np.__version__,
    }


@dataclass(frozen=True)
class CaseList:
    """The cases of one part of a data set, without their names: a result may be published.

    Attributes:
        count: how many.
        digest: SHA-256 over patients and cases in their order.
    """

    count: int
    digest: str

    def __str__(self) -> str:
        return f"{self.count} cases ({self.digest.removeprefix('sha256:')[:12]})"


@dataclass
class RunRecord:
    """Settings and data that identify a run, and notes on its course.

    Equality of the data is that of the patients' and cases' names in each part and of the number of
    steps an epoch: images are not read for it, so that a copy of a data set is the same data set.
    The length may grow, and neither machine nor versions count.

    Attributes:
        stage: kind of the run.
        options: top-level keys of the config with their values.
        config: further entries of the config, by id, as they stand there.
        files: digests of the files it begins with, by the option that names them; None without.
        cases: the cases of each part of the data set that it uses.
        ranks: processes that do it together.
        epochs: its length; the checkpoint keeps it up to date.
        steps_per_epoch: known once it runs.
        extensions: epochs at which its length was changed, with the lengths before and after.
        begun: further weights that it begins with, by the name that the identity gives them.
        written_by: digests of the runs that wrote the files of ``begun``.
        weights_at_start: digest of the weights that anybody put into the network before the run;
            those of a program that holds it are its own affair and no part of the identity.
    """

    stage: str = ""
    options: Mapping[str, object] = field(default_factory=dict)
    config: Mapping[str, object] = field(default_factory=dict)
    files: Mapping[str, str | None] = field(default_factory=dict)
    cases: Mapping[str, CaseList] = field(default_factory=dict)
    ranks: int = 1
    epochs: int | None = None
    steps_per_epoch: int | None = None
    extensions: list[dict[str, int]] = field(default_factory=list)
    begun: dict[str, str] = field(default_factory=dict)
    written_by: frozenset[str] = frozenset()
    weights_at_start: str | None = None

    def identity(self) -> dict[str, object]:
        """Everything that must be equal, as plain values by the user's names."""
        return {
            "stage": self.stage,
            **self.options,
            **{f"content of {name}": digest for name, digest in self.files.items()},
            **{f"part '{name}' of the data": str(cases) for name, cases in self.cases.items()},
            "processes": self.ranks,
            **self.config,
            **self.begun,
        }

    @property
    def digest(self) -> str:
        """SHA-256 of the identity's canonical JSON."""
        return digest_of(self.identity())

    def provenance(self) -> dict[str, object]:
        """Plain values that describe the run, for the file of a result."""
        return {
            "options": dict(self.options),
            "processes": self.ranks,
            "versions": package_versions(),
            **self.summary(),
        }

    def summary(self) -> dict[str, object]:
        """Return the digests, and the length with its changes."""
        parts = {name: {"count": c.count, "digest": c.digest} for name, c in self.cases.items()}
        return {
            "stage": self.stage,
            "digest": self.digest,
            "files": {**self.files, **self.begun},
            "weights_at_start": self.weights_at_start,
            "cases": parts,
            "epochs": self.epochs,
            "steps_per_epoch": self.steps_per_epoch,
            "extensions": [dict(extension) for extension in self.extensions],
        }


def digest_of(identity: Mapping[str, object]) -> str:
    """SHA-256 of an identity's canonical JSON."""
    text = json.dumps(identity, sort_keys=True, separators=(",", ":"))
    return "sha256:" + hashlib.sha256(text.encode()).hexdigest()


def describe_differences(then: Mapping[str, object], now: Mapping[str, object]) -> str:
    """Describe the differences between two identities with both values; empty if there are none."""
    names = [name for name in {**now, **then} if then.get(name) != now.get(name)]
    parts = [f"{key}: checkpoint {_text(then, key)}, this run {_text(now, key)}" for key in names]
    more = f"; and {len(parts) - _SHOWN} more" if len(parts) > _SHOWN else ""
    return "; ".join(parts[:_SHOWN]) + more


def _text(identity: Mapping[str, object], name: str) -> str:
    if name not in identity:
        return "without"
    value = identity[name]
    text = value if isinstance(value, str) else json.dumps(value)
    text = " ".join(text.split())
    return text if len(text) <= _LONGEST else text[: _LONGEST - 3] + "..."
