"""Networks, items and lengths of seconds, for the tests of the Python interface."""

from __future__ import annotations

import torch
from monai.networks.nets import UNet
from torch import nn

SHORT = {"epochs": 1, "steps_per_epoch": 1, "batch_size": 2}
SEARCH = {**SHORT, "epochs": 2, "warmup_epochs": 1, "criterion": "stability"}
CELL = {
    "operations": ("none", "skip_connect", "avg_pool_3x3"),
    "num_nodes": 1,
    "keep_schedule": (1,),
}


def unet(out_channels: int = 3, dims: int = 2) -> nn.Module:
    torch.manual_seed(0)
    return UNet(dims, 1, out_channels, channels=(4, 8, 16), strides=(2, 2), num_res_units=1)


class Circles(torch.utils.data.Dataset):
    """Items as a user's own dataset gives them."""

    def __init__(self, count: int = 4, *, first: int = 0, **more: object) -> None:
        self.count, self.first, self.more = count, first, more

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, index: int) -> dict[str, object]:
        if not 0 <= index < self.count:
            raise IndexError(index)
        random = torch.Generator().manual_seed(self.first + index)
        image = torch.rand(1, 32, 32, generator=random)
        name = str(self.first + index)
        return {"image": image, "label": (image > 0.5).float(), "patient": name, "case": name}
