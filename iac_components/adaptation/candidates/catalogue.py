"""Registry of the parts of an adapter, and the interface that each part has."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from torch import Tensor, nn

from iac_components.common.registry import Registry
from iac_components.search_space import Genotype

__all__ = [
    "Attachment",
    "Candidate",
    "NotApplicableError",
    "PartPlan",
    "PlanOptions",
    "find_candidate",
    "in_order",
    "register_candidate",
    "registered_candidates",
]


class NotApplicableError(ValueError):
    """A part that this network cannot have, or not within the budget; the message says why."""


@dataclass(frozen=True)
class PlanOptions:
    """Limits and choices for the plan of a part.

    Attributes:
        budget: values that the part may add, at most.
        genotype: of the cells; None takes a small uniform one.
        input_shape: ``(1, C, *S)`` that the network takes; None infers it.
        places: skip connections and other sites that modules are added to, at most; None for all.
    """

    budget: int
    genotype: Genotype | None = None
    input_shape: tuple[int, ...] | None = None
    places: int | None = None


@dataclass(frozen=True)
class PartPlan:
    """Places of one part in a network, as plain data.

    Attributes:
        kind: name of the candidate.
        sites: paths of modules of the base network.
        parameters: values that the part adds or replaces.
        settings: JSON values that the candidate needs to build it again.
    """

    kind: str
    sites: tuple[str, ...]
    parameters: int
    settings: Mapping[str, object] = field(default_factory=dict)


@dataclass
class Attachment:
    """A part in a network.

    Attributes:
        tensors: all values of the part by name; parameters among them are to be trained.
        finish: folds the part into the network's own weights where that saves time; the values
            cannot be trained afterwards.
    """

    tensors: dict[str, Tensor]
    finish: Callable[[], None] = lambda: None

    def parameters(self) -> list[nn.Parameter]:
        """Return what can be trained."""
        return [value for value in self.tensors.values() if isinstance(value, nn.Parameter)]


class Candidate(Protocol):
    """A kind of part.

    Attributes:
        baseline: True for what is only there to be compared with: it has no budget, and is never
            chosen.
        learning_rate: of Adam, as tuned for this kind.
        estimates: True if values are running statistics, estimated and not trained.
        wraps: True if it wraps modules, whose paths are then others: such parts come last.
        in_torchscript: True if TorchScript can have it, too: it exchanges values of norm layers.
    """

    baseline: bool
    learning_rate: float
    estimates: bool
    wraps: bool
    in_torchscript: bool

    def plan(self, network: nn.Module, options: PlanOptions) -> PartPlan:
        """Choose the places in a base network.

        Raises:
            NotApplicableError: if there is none, or none within the budget.
        """
        ...

    def attach(self, network: nn.Module, plan: PartPlan) -> Attachment:
        """Put the part into a network, in place, such that outputs stay (nearly) the same.

        Args:
            network: a copy of the base network that may be changed.
            plan: of :meth:`plan` for the same network.
        """
        ...


_REGISTRY: Registry[Callable[[], Candidate]] = Registry("candidate")

register_candidate = _REGISTRY.register
"""Decorator that makes a candidate known by a name."""

registered_candidates = _REGISTRY.names


def find_candidate(kind: str) -> Candidate:
    """Return the candidate registered as ``kind``.

    Raises:
        ValueError: if there is none; the message lists the known ones.
    """
    return _REGISTRY.require(kind)()


def in_order(kinds: Sequence[str]) -> list[str]:
    """Sort kinds into the order in which they are attached; sites are paths of the base network."""
    known = list(registered_candidates())
    return sorted(kinds, key=lambda kind: (find_candidate(kind).wraps, known.index(kind)))
