"""nnU-Net's decoder in blocks, each called with the coarser feature and the skip."""

from __future__ import annotations

from collections.abc import Callable, MutableMapping, Sequence

import torch
from dynamic_network_architectures.building_blocks.unet_decoder import UNetDecoder
from torch import Tensor, nn

from iac_components.networks import register_fusion_block

__all__ = ["BlockwiseUNetDecoder", "UNetDecoderBlock", "blockwise"]

_CHILDREN = {"stages": "stage", "transpconvs": "transpconv"}
"""Lists of the plain decoder, and what a block calls its own entry of each."""


@register_fusion_block
class UNetDecoderBlock(nn.Module):
    """One round of the loop in nnU-Net's ``UNetDecoder``.

    Args:
        transpconv: brings the coarser feature to the size and channels of the skip.
        stage: the convolutions over both, concatenated.
    """

    def __init__(self, transpconv: nn.Module, stage: nn.Module) -> None:
        super().__init__()
        self.transpconv = transpconv
        self.stage = stage

    def forward(self, coarse: Tensor, skip: Tensor) -> Tensor:
        """Fuse ``coarse`` (B, G, *s) with ``skip`` (B, C, *S) into a feature (B, C, *S)."""
        fused: Tensor = self.stage(torch.cat((self.transpconv(coarse), skip), 1))
        return fused


class BlockwiseUNetDecoder(nn.Module):
    """A ``UNetDecoder`` with its loop's body in blocks, so that ``implant`` finds the skips.

    Same output to the bit, same modules, and the plain decoder's state dict loads.

    Args:
        decoder: nnU-Net's; its modules are taken over.

    Attributes:
        deep_supervision: give the outputs of all blocks, finest first, instead of the last one's.
    """

    def __init__(self, decoder: UNetDecoder) -> None:
        super().__init__()
        self.deep_supervision: bool = decoder.deep_supervision
        # nnU-Net's decoder holds its encoder too, and so do its checkpoints.
        self.encoder = decoder.encoder
        self.num_classes: int = decoder.num_classes
        self.blocks = nn.ModuleList(
            UNetDecoderBlock(*pair)
            for pair in zip(decoder.transpconvs, decoder.stages, strict=True)
        )
        self.seg_layers = decoder.seg_layers
        register: Callable[..., object] = self.register_load_state_dict_pre_hook
        register(_rename_plain_keys)

    def forward(self, skips: Sequence[Tensor]) -> Tensor | list[Tensor]:
        """Return the logits for the features of the encoder, the bottleneck's last."""
        x, outputs = skips[-1], []
        for number, block in enumerate(self.blocks):
            x = block(x, skips[-(number + 2)])
            if self.deep_supervision:
                outputs.append(self.seg_layers[number](x))
        if self.deep_supervision:
            return outputs[::-1]
        logits: Tensor = self.seg_layers[-1](x)
        return logits


def blockwise(network: nn.Module) -> nn.Module:
    """Put nnU-Net's decoder into blocks, in place, and return the network.

    Args:
        network: nnU-Net's ``PlainConvUNet`` or ``ResidualEncoderUNet``.

    Raises:
        ValueError: if its decoder is none of nnU-Net's ``UNetDecoder``.
    """
    decoder = getattr(network, "decoder", None)
    if not isinstance(decoder, UNetDecoder):
        raise ValueError(
            f"{type(network).__name__} has no UNetDecoder: cells go into nnU-Net's PlainConvUNet "
            "and ResidualEncoderUNet."
        )
    network.decoder = BlockwiseUNetDecoder(decoder)
    return network


def _rename_plain_keys(
    module: nn.Module, state: MutableMapping[str, Tensor], prefix: str, *_: object
) -> None:
    """Let a plain decoder's weights load into the blocks (load-state-dict pre-hook)."""
    for key in list(state):
        for many, one in _CHILDREN.items():
            if key.startswith(f"{prefix}{many}."):
                number, rest = key.removeprefix(f"{prefix}{many}.").split(".", 1)
                state[f"{prefix}blocks.{number}.{one}.{rest}"] = state.pop(key)
