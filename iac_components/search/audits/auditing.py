"""Base of the audits of any search: patients to judge by, a log, and its file."""

from __future__ import annotations

import logging
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from functools import cached_property
from pathlib import Path
from typing import Generic, TypeVar

import torch

from iac_components.common.ranks import is_first_rank
from iac_components.search.audits.audit import LEAST_PATIENTS
from iac_components.search.audits.looks.log import AuditLog
from iac_components.search.audits.looks.looking import Ready
from iac_components.search.audits.looks.settings import AuditSettings
from iac_components.search.evidence.losses_by_patient import LossesByPatient
from iac_components.search.stability_pruning.stability import BoolArray
from iac_components.search_space.space import EdgeSpace

__all__ = ["Auditing"]

_LOGGER = logging.getLogger("iac_components.search")

Losses = TypeVar("Losses", bound=LossesByPatient)


class Auditing(ABC, Generic[Losses]):
    """Audit that measures a supernet's parts and returns the rest of it after a look.

    Its state is its log: a resumed search decides as an unbroken one.

    Args:
        space: of the supernet.
        losses: gives the losses by patient; called once, when they are first needed.
        settings: rules of the audit.
        criterion: name of the search's criterion, for the findings. ``audit`` and ``both`` race:
            they take looks between epochs; of any other, the end alone is judged.
        trace_file: where to write the looks; None writes nothing.
        batch_size: images of a step of the search.

    Attributes:
        log: all that was measured.
        pruning: whether the search prunes. Without it, no criterion races: the end alone is judged.
    """

    def __init__(
        self,
        space: EdgeSpace,
        losses: Callable[[], Losses],
        settings: AuditSettings,
        *,
        criterion: str,
        trace_file: str | Path | None,
        batch_size: int,
    ) -> None:
        self.settings = settings
        self.criterion = criterion
        self.trace_file = trace_file
        self.log = AuditLog(space)
        self.pruning = True
        self.batch_size = batch_size
        self._make_losses = losses

    @property
    def races(self) -> bool:
        """True if the audit prunes the search."""
        return self.pruning and self.criterion in ("audit", "both")

    @cached_property
    def losses(self) -> Losses:
        """Losses by patient.

        Raises:
            ValueError: if there are too few patients to judge anything by.
        """
        losses = self._make_losses()
        if self.races and len(losses.patients) < LEAST_PATIENTS:
            raise ValueError(
                f"criterion {self.criterion!r} judges by patient, but the architecture half has "
                f"{len(losses.patients)}: {LEAST_PATIENTS} are needed at least. Use more patients, "
                "or the criterion 'stability' (--criterion stability)."
            )
        return losses

    def pace(self, steps: int) -> None:
        """Read the images, and space the looks by the cost of an epoch of ``steps`` steps."""
        self.settings = self.settings.paced(
            judged=self.images, trained=max(1, steps) * self.batch_size
        )

    @property
    def images(self) -> int:
        """Number of images that parts are judged on."""
        return sum(len(batch.images) for batch in self.losses.batches)

    @property
    @abstractmethod
    def is_decided(self) -> bool:
        """True once every remaining part is needed and none competes with another."""

    @abstractmethod
    def living_after(self, epoch: int, *, ready: Ready | None = None) -> BoolArray | None:
        """Take the look that is due after an epoch, and return the living parts after it.

        Args:
            epoch: that has ended.
            ready: groups that may lose parts; None for all.

        Returns:
            (L, E, O) for the caller to prune; None without a look.
        """

    def can_judge(self) -> bool:
        """Return whether there are images by patient; a search that needs none must not fail."""
        try:
            patients = len(self.losses.patients)
        except ValueError as error:
            _LOGGER.info(f"No findings: {error}")
            return False
        if patients < LEAST_PATIENTS:
            _LOGGER.info(
                f"No findings: the architecture half has {patients} patient(s), and "
                f"{LEAST_PATIENTS} are needed at least."
            )
            return False
        return True

    def announce(self) -> None:
        """Log that the end is judged, which takes minutes for volumes on a CPU."""
        _LOGGER.info(
            f"The result is judged on {self.images} images of {len(self.losses.patients)} patients."
        )

    def describe(self) -> dict[str, object]:
        """Return the measured groups and patients as plain values for the findings."""
        return {
            "criterion": self.criterion,
            "patients": len(self.losses.patients),
            "images": self.images,
            "looks": self.log.looks,
            "passes": self.log.passes,
            "seconds": round(self.log.seconds, 1),
            "tolerance": self.settings.tolerance,
            "alpha": self.settings.alpha,
        }

    def write(self) -> None:
        """Write the looks, if there are any and a file for them, on the first rank."""
        if self.races and self.trace_file is not None and is_first_rank():
            self.log.write(self.trace_file)

    def state_dict(self) -> dict[str, torch.Tensor]:
        """Return the measurements so far."""
        return self.log.state_dict()

    def load_state_dict(self, state: Mapping[str, torch.Tensor]) -> None:
        """Load the measurements from ``state``."""
        self.log.load_state_dict(state)
