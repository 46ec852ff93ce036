"""The judged classes: loss, label maps and Dice, also where a site draws only some of them."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import cast

import torch
from monai.inferers import Inferer
from monai.losses import DiceCELoss
from torch import Tensor, nn

from iac_components.adaptation.fitting.cases import SiteCase
from iac_components.evaluation import case_metrics

__all__ = ["Objective", "Scores", "paired_gain"]

Scores = tuple[float, ...]
"""Dice of each judged class in a case; NaN where neither label nor prediction shows it."""


@dataclass(frozen=True)
class Objective:
    """Foreground classes that a site draws, out of those that a network tells apart.

    A class that the site does not draw lies in its background, and so counts as background in the
    network's output, too: the probabilities are added.

    Attributes:
        classes: label values that are judged, in order.
        channels: channels of the network's output; a single one is a sigmoid's.
    """

    classes: tuple[int, ...]
    channels: int

    def logits(self, output: object) -> Tensor:
        """Return logits ``(B, 1 + classes, *S)`` of a network's output, background first."""
        first = cast(Tensor, output[0] if isinstance(output, list | tuple) else output)
        if self.channels == 1:
            first = torch.cat([torch.zeros_like(first), first], dim=1)
        if len(self.classes) == first.shape[1] - 1:
            return first
        others = [i for i in range(first.shape[1]) if i not in self.classes]
        background = first[:, others].logsumexp(dim=1, keepdim=True)
        return torch.cat([background, first[:, list(self.classes)]], dim=1)

    def targets(self, label: Tensor) -> Tensor:
        """Return a label with the judged classes numbered from 1, all else as background."""
        found = torch.zeros_like(label)
        for number, value in enumerate(self.classes, start=1):
            found[label == value] = number
        return found

    def loss(self) -> Callable[[object, Tensor], Tensor]:
        """Return a function of an output and class indices ``(B, 1, *S)``: Dice and entropy."""
        judge = DiceCELoss(include_background=False, softmax=True, to_onehot_y=True, batch=True)

        def loss(output: object, label: Tensor) -> Tensor:
            found: Tensor = judge(self.logits(output), self.targets(label))
            return found

        return loss

    @torch.no_grad()
    def segment(
        self, network: nn.Module, case: SiteCase, inferer: Inferer, device: torch.device
    ) -> Tensor:
        """Return the label map ``(*S)`` of a whole case, classes numbered from 1."""
        network.eval()

        def forward(windows: Tensor) -> Tensor:
            return self.logits(network(windows))

        output: Tensor = inferer(case.image[None].to(device), forward)
        return output[0].argmax(dim=0).to(torch.uint8).cpu()

    def score(self, prediction: Tensor, case: SiteCase) -> Scores:
        """Return the Dice of each judged class."""
        found = case_metrics(
            prediction,
            self.targets(case.label),
            num_classes=len(self.classes) + 1,
            spacing=case.spacing or (1.0,) * case.label.ndim,
            distances=False,
        )
        return tuple(metrics.dice for metrics in found)


def paired_gain(before: Sequence[float], after: Sequence[float]) -> float:
    """Return the mean gain over classes, 0 where no class shows.

    A class that only one of the two invents where the label has none counts as found perfectly by
    the other: inventing it must cost something.
    """
    gains = []
    for old, new in zip(before, after, strict=True):
        if math.isnan(old) and math.isnan(new):
            continue
        gains.append((1.0 if math.isnan(new) else new) - (1.0 if math.isnan(old) else old))
    return math.fsum(gains) / len(gains) if gains else 0.0
