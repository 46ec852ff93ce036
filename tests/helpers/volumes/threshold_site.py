"""A network that segments what is bright, and sites whose scanners show brightness otherwise."""

from __future__ import annotations

import torch
from monai.inferers import SimpleInferer
from torch import Tensor, nn

from iac_components.adaptation.fitting.cases import SiteCase, WindowShape
from iac_components.adaptation.site import Site


class Threshold(nn.Module):
    """Batch norm, then two logits that are equal where the normed image is one half."""

    def __init__(self) -> None:
        super().__init__()
        self.norm = nn.BatchNorm2d(1)
        self.classify = nn.Conv2d(1, 2, 1)
        with torch.no_grad():
            self.classify.weight.copy_(torch.tensor([-8.0, 8.0]).view(2, 1, 1, 1))
            self.classify.bias.copy_(torch.tensor([4.0, -4.0]))
        self.eval()

    def forward(self, x: Tensor) -> Tensor:
        return self.classify(self.norm(x))


SHIFTS = {
    "none": lambda image: image,
    "inverted": lambda image: 1 - image,
    "dark": lambda image: 0.3 * image,
}


def make_case(number: int, shift: str = "none", *, noise: float = 0.25) -> SiteCase:
    """A disc of brightness 1 on 0, 24 x 24."""
    generator = torch.Generator().manual_seed(number)
    rows, columns = torch.meshgrid(torch.arange(24), torch.arange(24), indexing="ij")
    row, column = (8 + 8 * torch.rand(2, generator=generator)).tolist()
    disc = ((rows - row) ** 2 + (columns - column) ** 2 < 30).long()
    image = disc + noise * torch.randn(24, 24, generator=generator)
    return SiteCase(f"case_{number}", f"patient_{number}", SHIFTS[shift](image)[None].float(), disc)


def make_site(shift: str, *, cases: int = 4, first: int = 0, **options: object) -> Site:
    """A site with that many patients."""
    return Site(
        Threshold(),
        [make_case(first + number, shift) for number in range(cases)],
        ("disc",),
        SimpleInferer(),
        WindowShape(),
        **options,
    )
