"""A bundle's inference from a file to a label map: its own transforms, windows and network."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import cast

import torch
from monai.data import decollate_batch, list_data_collate
from monai.inferers import SlidingWindowInferer
from torch import nn

from iac_components.data import load_datalist
from studies.measuring.bundle_config import open_config
from studies.search_cost.steps.memory_format import is_channels_last

__all__ = ["VolumePath", "find_volumes"]

WRITER = "iac_components.data.SaveImageLikeInputd"

Image = str | list[str]


class VolumePath:
    """Inference of a volume as an inference config does it, without writing the result.

    The weights are as they were initialised: they do not matter to the time.

    Args:
        bundle: data set and backbone, such as ``hippocampus_unet``.
        skip_module: ``plain`` for the backbone alone, ``iac`` for the genotype of its train
            bundle.
        channel_divisor: all channels pass a cell's operations (1), or one of K.

    Attributes:
        network: on the config's device, in eval mode.
        device: where it computes.
        window_shape: (B, C, *S) of a full batch of windows.

    Raises:
        ValueError: if there is no such bundle.
    """

    def __init__(self, bundle: str, *, skip_module: str, channel_divisor: int = 1) -> None:
        overrides: dict[str, object] = {
            "skip_module": skip_module,
            "channel_divisor": channel_divisor,
        }
        # An inference bundle with weights of the plain network ships a genotype without a cell.
        trained = open_config(bundle, "train").get_parsed_content("bundle_root")
        overrides["genotype_path"] = f"{trained}/genotype.json"
        config = open_config(bundle, "inference", overrides)
        transforms = config["postprocessing"]["transforms"]
        config["postprocessing"]["transforms"] = [
            transform for transform in transforms if transform.get("_target_") != WRITER
        ]
        self.network = cast(nn.Module, config.get_parsed_content("network")).eval()
        self.device = cast(torch.device, config.get_parsed_content("device"))
        self._inferer = cast(SlidingWindowInferer, config.get_parsed_content("inferer"))
        self._before = config.get_parsed_content("preprocessing")
        self._after = config.get_parsed_content("postprocessing")
        self._amp = bool(config.get_parsed_content("amp"))
        channels = int(config.get_parsed_content("in_channels"))
        # Now: a SliceInferer's windows get a third axis once it has seen a volume.
        self.window_shape = (self._inferer.sw_batch_size, channels, *self._inferer.roi_size)

    @property
    def channels_last(self) -> bool:
        """True if the network computes in that memory format."""
        return is_channels_last(self.network)

    @torch.no_grad()
    def forward(self, windows: torch.Tensor) -> torch.Tensor:
        """Map windows (B, C, *S) to logits."""
        with torch.autocast("cuda", enabled=self._amp):
            logits: torch.Tensor = self.network(windows)
        return logits

    @torch.no_grad()
    def segment(self, image: Image) -> torch.Tensor:
        """Read an image and return its label map (1, *S), in the file's own space."""
        batch = list_data_collate([self._before({"image": image})])
        with torch.autocast("cuda", enabled=self._amp):
            batch["pred"] = self._inferer(batch["image"].to(self.device), self.network)
        (item,) = decollate_batch(batch)
        label_map: torch.Tensor = self._after(item)["pred"]
        return label_map


def find_volumes(bundle: str, dataset_dir: str | Path, *, count: int) -> Sequence[Image]:
    """List the first images of the fold that is tested.

    Raises:
        ValueError: if the folder is not the bundle's data set as downloaded.
    """
    layout = open_config(bundle, "train").get_parsed_content("layout")
    entries = load_datalist(dataset_dir, layout=layout, part="test")
    return [entry["image"] for entry in entries[:count]]
