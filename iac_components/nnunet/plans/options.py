"""Options of the trainers, as plans carry them."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from iac_components.bundling.options import OptionError, check_values, unused_with
from iac_components.interface.api.cells import AUDIT_LEARNING_RATE, LEARNING_RATE, WARMUP_EPOCHS
from iac_components.search import DEFAULT_CRITERION, AuditSettings, check_planned_steps
from iac_components.search.audits.looks.settings import AUDIT_WARMUP, CostUnit
from iac_components.search_space import DEFAULT_OPERATIONS

__all__ = ["SearchOptions", "TrainingOptions", "read_options"]

STEPS = 250
"""Steps of an epoch of nnU-Net."""


@dataclass(frozen=True, kw_only=True)
class TrainingOptions:
    """Options of ``nnUNetTrainerIAC``.

    Attributes:
        weights: checkpoint of the network without cells, by nnU-Net; ``{fold}`` in it stands for
            the fold. None takes that of ``nnUNetTrainer`` with the same plans, configuration and
            fold.
        frozen: train the cells alone.
        epochs: of the training; None is nnU-Net's number.
        steps_per_epoch: None is nnU-Net's number.
        learning_rate: at the start; None is nnU-Net's.
    """

    weights: str | None = None
    frozen: bool = False
    epochs: int | None = None
    steps_per_epoch: int | None = None
    learning_rate: float | None = None

    def __post_init__(self) -> None:
        _check(self, ("epochs", "steps_per_epoch", "learning_rate"))


@dataclass(frozen=True, kw_only=True)
class SearchOptions:
    """Options of ``nnUNetTrainerIACSearch``; those without a text here are :func:`search_cell`'s.

    Attributes:
        weights: as for a training; the trained network that the cell is searched around.
        groups: table (CSV) of ``case`` and ``subject_group``; without it each case is a patient.
        steps_per_epoch: nnU-Net's 250 by default.
    """

    weights: str | None = None
    groups: str | None = None
    epochs: int = 200
    steps_per_epoch: int = STEPS
    learning_rate: float | None = None
    warmup_epochs: int | None = None
    architecture_learning_rate: float = 0.04
    architecture_every: int = 1
    frozen_backbone: bool = True
    operations: Sequence[str] = DEFAULT_OPERATIONS
    num_nodes: int = 4
    channel_divisor: int = 4
    separate_levels: bool = False
    sites: Sequence[str] = ("skips",)
    checkpointing: bool = False
    pruning: bool = True
    keep_schedule: Sequence[int] = (3, 1)
    edge_schedule: Sequence[int] = (2,)
    criterion: str = DEFAULT_CRITERION
    tolerance: float = 0.003
    alpha: float = 0.05
    images_a_patient: int = 4
    audit_every: int | None = None
    cost: CostUnit = "multiply_adds"
    max_cost: float | None = None
    seed: int = 0

    def __post_init__(self) -> None:
        values = {name: value for name, value in vars(self).items() if name in _SEARCH_SCHEMA}
        _check(self, values)
        defaults = {field.name: field.default for field in dataclasses.fields(self)}
        changed = [name for name in (*_BILEVEL, *_AUDIT) if values[name] != defaults[name]]
        if faults := list(unused_with(values, changed, method="iac")):
            raise OptionError("\n".join(faults))
        try:
            check_planned_steps(
                epochs=self.epochs,
                warmup_epochs=self.warmup,
                architecture_every=self.architecture_every,
                steps_per_epoch=self.steps_per_epoch,
            )
        except ValueError as error:
            raise OptionError(str(error)) from None

    @property
    def warmup(self) -> int:
        """Epochs that train the weights alone."""
        own = self.warmup_epochs
        return WARMUP_EPOCHS[self.frozen_backbone] if own is None else own

    @property
    def rate(self) -> float:
        """Learning rate of the weights."""
        if self.learning_rate is not None:
            return self.learning_rate
        audited = self.criterion in ("audit", "both") and self.frozen_backbone
        return AUDIT_LEARNING_RATE if audited else LEARNING_RATE

    def audit_settings(self) -> AuditSettings:
        """Return the rules of the audit."""
        return AuditSettings(
            tolerance=self.tolerance,
            alpha=self.alpha,
            every=self.audit_every,
            warmup_epochs=self.warmup + AUDIT_WARMUP,
            cost=self.cost,
            max_cost=self.max_cost,
        )

    def plain(self) -> dict[str, object]:
        """Return what defines the search, without names of files on this machine."""
        values = dataclasses.asdict(self)
        values |= {"learning_rate": self.rate, "warmup_epochs": self.warmup}
        return {name: values[name] for name in values if name not in ("weights", "groups")}

    def space(self) -> dict[str, object]:
        """Return what shapes the supernet."""
        return {name: getattr(self, name) for name in _SPACE}


_SPACE = (
    *("operations", "num_nodes", "channel_divisor", "separate_levels", "sites"),
    *("frozen_backbone", "checkpointing"),
)
_BILEVEL = ("architecture_learning_rate", "architecture_every", "keep_schedule", "edge_schedule")
_AUDIT = ("tolerance", "alpha", "images_a_patient", "audit_every", "cost", "max_cost")
_SEARCH_SCHEMA = {
    *("epochs", "steps_per_epoch", "learning_rate", "warmup_epochs", "pruning", "criterion"),
    *("seed", *_SPACE, *_BILEVEL, *_AUDIT),
}

Options = TypeVar("Options", TrainingOptions, SearchOptions)


def read_options(kind: type[Options], values: object) -> Options:
    """Return options from the values that plans or a command line give.

    Raises:
        OptionError: naming those that are unknown or have a value that is not allowed.
    """
    if not isinstance(values, Mapping):
        raise OptionError(f"options must be an object, got {values!r}. Write the plans again.")
    known = [field.name for field in dataclasses.fields(kind)]
    unknown = sorted(set(values) - set(known))
    if unknown:
        raise OptionError(
            f"option '{unknown[0]}' is unknown. Known: {', '.join(known)}. Write the plans again."
        )
    for name in ("weights", "groups"):
        if not isinstance(values.get(name), str | None):
            raise OptionError(f"--{name} {values[name]!r} must be a path.")
    if not isinstance(values.get("frozen", False), bool):
        raise OptionError(f"--frozen {values['frozen']!r} must be true or false.")
    # JSON has lists alone; equal values must be equal to the defaults.
    given = {n: tuple(value) if isinstance(value, list) else value for n, value in values.items()}
    return kind(**given)  # type: ignore[arg-type]


def _check(options: object, names: Sequence[str] | Mapping[str, object]) -> None:
    """Hold values against the schema of the bundles' options of the same name."""
    values = {name: getattr(options, name) for name in names}
    check_values({n: v for n, v in values.items() if v is not None}, method="iac")
