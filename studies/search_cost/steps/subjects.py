"""Subjects of the measurement: networks of a bundle's search config, or of a 3-D U-Net."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, cast

import torch
from monai.losses import DiceCELoss
from monai.networks.nets import BasicUNet
from torch import nn
from torch.optim import Adam, AdamW, Optimizer

from iac_components.networks import CellSearchNetwork
from studies.measuring.bundle_config import open_config
from studies.search_cost.steps.steps import Loss

__all__ = ["BundleSubject", "Subject", "VolumeSubject"]

FEATURES = (16, 16, 32, 64, 128, 16)
"""Channels of the 3-D U-Net, as the bundles' 2-D ones have them."""


class Subject(Protocol):
    """Networks, loss and optimizers of one search, for batches of one shape."""

    @property
    def name(self) -> str:
        """Name in a table."""
        ...

    @property
    def shape(self) -> tuple[int, ...]:
        """(B, C, *S) of a batch."""
        ...

    @property
    def classes(self) -> int:
        """Classes of the labels."""
        ...

    @property
    def amp(self) -> bool:
        """True if it trains in mixed precision."""
        ...

    def backbone(self) -> nn.Module:
        """Build a plain backbone on the device."""
        ...

    def supernet(self, *, frozen_backbone: bool, checkpointing: bool) -> CellSearchNetwork:
        """Build a supernet on the device."""
        ...

    def loss(self) -> Loss:
        """Return a loss of (prediction, label)."""
        ...

    def weight_optimizer(self, parameters: Iterator[nn.Parameter]) -> Optimizer:
        """Return the optimizer of the weights."""
        ...

    def architecture_optimizer(self, parameters: Iterator[nn.Parameter]) -> Optimizer:
        """Return the optimizer of the architecture parameters."""
        ...


class BundleSubject:
    """The search of a bundle, by its config.

    Args:
        bundle: data set and backbone, such as ``hippocampus_unet``.
        options: other values of the config's keys.

    Raises:
        ValueError: if there is no such bundle or key.
    """

    def __init__(self, bundle: str, options: Mapping[str, object] | None = None) -> None:
        self.name = bundle
        self._config = open_config(bundle, "search", options)

    @property
    def shape(self) -> tuple[int, ...]:
        """See :class:`Subject`."""
        batch, channels, patch = self._values("batch_size", "in_channels", "patch_size")
        return (cast(int, batch), cast(int, channels), *cast(Sequence[int], patch))

    @property
    def classes(self) -> int:
        """See :class:`Subject`."""
        return cast(int, self._values("out_channels")[0])

    @property
    def amp(self) -> bool:
        """See :class:`Subject`."""
        return bool(self._values("amp")[0])

    def backbone(self) -> nn.Module:
        """See :class:`Subject`."""
        self._config.get_parsed_content("backbone_def", lazy=False)  # not the one given before
        backbone, device, channels_last = self._values("backbone_def", "device", "channels_last")
        network = cast(nn.Module, backbone).to(cast(torch.device, device))
        # The search's memory format, so that both sides differ in the search alone.
        formatted: nn.Module = network.to(memory_format=_format(bool(channels_last)))  # type: ignore[call-overload]
        return formatted

    def supernet(self, *, frozen_backbone: bool, checkpointing: bool) -> CellSearchNetwork:
        """See :class:`Subject`."""
        self._config["network_def"]["checkpointing"] = checkpointing
        self._config.update({"frozen_backbone": frozen_backbone})
        return cast(CellSearchNetwork, self._values("network")[0])

    def loss(self) -> Loss:
        """See :class:`Subject`."""
        return cast(Loss, self._values("loss")[0])

    def weight_optimizer(self, parameters: Iterator[nn.Parameter]) -> Optimizer:
        """See :class:`Subject`."""
        return self._optimizer("optimizer", parameters)

    def architecture_optimizer(self, parameters: Iterator[nn.Parameter]) -> Optimizer:
        """See :class:`Subject`."""
        return self._optimizer("architecture_optimizer", parameters)

    def _optimizer(self, name: str, parameters: Iterator[nn.Parameter]) -> Optimizer:
        """Return the config's optimizer, of other parameters than the config's network's."""
        self._config.update({f"{name}::params": list(parameters)})
        return cast(Optimizer, self._values(name)[0])

    def _values(self, *names: str) -> list[object]:
        return [self._config.get_parsed_content(name) for name in names]


@dataclass(frozen=True)
class VolumeSubject:
    """The search of a 3-D U-Net with cells (the bundles' are 2-D).

    Attributes:
        side: voxels of each side of a patch.
        batch_size: patches of a batch.
        features: channels of the U-Net.
    """

    side: int
    batch_size: int
    features: tuple[int, ...] = FEATURES
    classes: int = 3

    def __post_init__(self) -> None:
        if self.side < 32 or self.batch_size < 1:
            raise ValueError(
                "a 3-D U-Net needs a side of at least 32 and a batch of at least 1, got "
                f"{self.side} and {self.batch_size}."
            )

    @property
    def name(self) -> str:
        """See :class:`Subject`."""
        return f"3-D U-Net, {self.side}^3"

    @property
    def shape(self) -> tuple[int, ...]:
        """See :class:`Subject`."""
        return (self.batch_size, 1, *[self.side] * 3)

    @property
    def amp(self) -> bool:
        """See :class:`Subject`."""
        return torch.cuda.is_available()

    def backbone(self) -> nn.Module:
        """See :class:`Subject`."""
        network = BasicUNet(3, 1, self.classes, features=self.features)
        return cast(nn.Module, network.to("cuda" if torch.cuda.is_available() else "cpu"))

    def supernet(self, *, frozen_backbone: bool, checkpointing: bool) -> CellSearchNetwork:
        """See :class:`Subject`."""
        backbone = self.backbone()
        network = CellSearchNetwork(
            backbone, frozen_backbone=frozen_backbone, checkpointing=checkpointing
        )
        return network.to(next(backbone.parameters()).device)

    def loss(self) -> Loss:
        """See :class:`Subject`."""
        return cast(Loss, DiceCELoss(to_onehot_y=True, softmax=True))

    def weight_optimizer(self, parameters: Iterator[nn.Parameter]) -> Optimizer:
        """See :class:`Subject`."""
        return AdamW(parameters, lr=3e-3)

    def architecture_optimizer(self, parameters: Iterator[nn.Parameter]) -> Optimizer:
        """See :class:`Subject`."""
        return Adam(parameters, lr=1e-2)


def _format(channels_last: bool) -> torch.memory_format:
    return torch.channels_last if channels_last else torch.contiguous_format
