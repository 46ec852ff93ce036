"""Implanted network with two separate sets of parameters."""

from __future__ import annotations

from torch import Tensor, nn

from iac_components.networks.implanting.implant import skip_modules

__all__ = ["ImplantedNetwork"]


class ImplantedNetwork(nn.Module):
    """An implanted backbone, trained as a whole or in its skip modules alone.

    With ``frozen_backbone`` (the setting of IAC, arXiv 2405.03420) every module outside the skip
    modules stays in eval mode whatever ``train()`` is told, so that BatchNorm statistics do not
    move and dropout stays off, and its parameters need no gradient, so that the encoder builds
    no autograd graph. A DynUNet's deep supervision is then off too.

    Args:
        backbone: a network that ``implant`` has been through.
        frozen_backbone: whether only the skip modules train.

    Raises:
        ValueError: if the backbone holds no skip module.
    """

    def __init__(self, backbone: nn.Module, *, frozen_backbone: bool = False) -> None:
        super().__init__()
        if not skip_modules(backbone):
            raise ValueError(
                f"{type(backbone).__name__} holds no skip modules. Call implant on it first."
            )
        self.backbone = backbone
        self.frozen_backbone = frozen_backbone
        if frozen_backbone:
            for parameter in self.backbone_parameters():
                parameter.requires_grad_(False)
        self.train(backbone.training)

    def forward(self, x: Tensor) -> Tensor:
        """Return the backbone's output for ``x`` of shape ``(B, C, *S)``."""
        output: Tensor = self.backbone(x)
        return output

    def train(self, mode: bool = True) -> ImplantedNetwork:
        """Set the mode; a frozen backbone stays in eval mode, its skip modules follow ``mode``."""
        super().train(mode)
        if self.frozen_backbone:
            self.backbone.eval()
            for module in skip_modules(self.backbone):
                module.train(mode)
        return self

    def cell_parameters(self) -> list[nn.Parameter]:
        """Return the parameters of the skip modules, each once, finest level first."""
        modules = skip_modules(self.backbone)
        return list(dict.fromkeys(p for module in modules for p in module.parameters()))

    def backbone_parameters(self) -> list[nn.Parameter]:
        """Return every other parameter of the backbone, each once."""
        cells = set(self.cell_parameters())
        return [parameter for parameter in self.backbone.parameters() if parameter not in cells]
