"""Every supported network, tiny, with its input and its skips."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from itertools import pairwise

import torch
from monai.networks.nets import (
    UNETR,
    AttentionUnet,
    BasicUNet,
    DynUNet,
    FlexibleUNet,
    SegResNet,
    SegResNetDS,
    SwinUNETR,
    UNet,
    VNet,
)
from monai.networks.nets.unet import CheckpointUNet
from monai.networks.nets.vnet import (
    DownTransition,
    InputTransition,
    OutputTransition,
    UpTransition,
)
from torch import Tensor, nn

from iac_components.networks import plan_nnunet


@dataclass(frozen=True)
class Case:
    """A network, its input, and its skips from fine to coarse as (name, skip, gate channels)."""

    build: Callable[[], nn.Module]
    shape: tuple[int, ...]
    skips: tuple[tuple[str, int, int], ...]

    def network(self, seed: int = 0) -> nn.Module:
        torch.manual_seed(seed)
        return self.build().eval()

    def image(self) -> Tensor:
        return torch.rand(self.shape, generator=torch.Generator().manual_seed(7))


def _basic(dims: int) -> Callable[[], nn.Module]:
    return partial(BasicUNet, dims, 1, 2, (3, 4, 6, 8, 10, 5))


def _flexible(backbone: str, dims: int) -> Callable[[], nn.Module]:
    decoder = (16, 12, 10, 8, 4)
    return partial(FlexibleUNet, 1, 2, backbone, decoder_channels=decoder, spatial_dims=dims)


def _dyn(dims: int, deep: bool) -> Callable[[], nn.Module]:
    sizes = {"kernel_size": [3] * 4, "strides": [1, 2, 2, 2], "upsample_kernel_size": [2, 2, 2]}
    heads = {"deep_supervision": deep, "deep_supr_num": 2}
    return partial(DynUNet, dims, 1, 2, **sizes, filters=[4, 6, 8, 10], **heads)


def _planned(patch: tuple[int, ...], spacing: tuple[float, ...]) -> nn.Module:
    plan = plan_nnunet(patch, spacing=spacing, base_features=3, max_features=8)
    return DynUNet(
        len(patch),
        1,
        2,
        kernel_size=plan.kernel_size,
        strides=plan.strides,
        upsample_kernel_size=plan.upsample_kernel_size,
        filters=plan.filters,
        deep_supervision=True,
        deep_supr_num=plan.deep_supr_num,
    )


def _unetr(dims: int) -> Callable[[], nn.Module]:
    hidden = {"hidden_size": 12, "mlp_dim": 16, "num_heads": 2}
    return partial(UNETR, 1, 2, 32, feature_size=4, **hidden, spatial_dims=dims)


def _swin(dims: int) -> Callable[[], nn.Module]:
    tiny = {"depths": (1, 1, 1, 1), "num_heads": (1, 1, 1, 1), "window_size": 2}
    norm = ("group", {"num_groups": 2})  # an instance norm cannot take the one voxel at the bottom
    return partial(SwinUNETR, 1, 2, feature_size=12, norm_name=norm, spatial_dims=dims, **tiny)


def _unet(
    dims: int, channels: tuple[int, ...], strides: tuple[int, ...], **options: object
) -> Callable[[], nn.Module]:
    return partial(UNet, dims, 1, 2, channels, strides, **options)


def _attention(dims: int, **options: object) -> Callable[[], nn.Module]:
    return partial(AttentionUnet, dims, 1, 2, (8, 12, 16), (2, 2), **options)


def _segresnet(dims: int, **options: object) -> Callable[[], nn.Module]:
    blocks = {"blocks_down": (1, 1, 2), "blocks_up": (1, 1), "norm": ("group", {"num_groups": 2})}
    return partial(SegResNet, dims, 4, 1, 2, **blocks, **options)


def _segresnet_ds(dims: int, **options: object) -> Callable[[], nn.Module]:
    return partial(SegResNetDS, dims, 4, 1, 2, blocks_down=(1, 1, 2), **options)


class NarrowVNet(VNet):
    """A VNet of 4 channels; MONAI's has 16, in 3-D 46 million parameters."""

    def __init__(self, dims: int, act: object = ("elu", {"inplace": True})) -> None:
        nn.Module.__init__(self)
        up = {"dropout_prob": (0.5, 0.5)}
        self.in_tr = InputTransition(dims, 1, 4, act)
        self.down_tr32 = DownTransition(dims, 4, 1, act)
        self.down_tr64 = DownTransition(dims, 8, 1, act)
        self.down_tr128 = DownTransition(dims, 16, 1, act, dropout_prob=0.5)
        self.down_tr256 = DownTransition(dims, 32, 1, act, dropout_prob=0.5)
        self.up_tr256 = UpTransition(dims, 64, 64, 1, act, **up)
        self.up_tr128 = UpTransition(dims, 64, 32, 1, act, **up)
        self.up_tr64 = UpTransition(dims, 32, 16, 1, act)
        self.up_tr32 = UpTransition(dims, 16, 8, 1, act)
        self.out_tr = OutputTransition(dims, 8, 2, act)


BASIC = (("upcat_1", 3, 4), ("upcat_2", 4, 6), ("upcat_3", 6, 8), ("upcat_4", 8, 10))
RESNET = tuple(
    (f"decoder.blocks.{3 - i}", s, g)
    for i, (s, g) in enumerate([(64, 10), (64, 12), (128, 16), (256, 512)])
)
EFFICIENT = tuple(
    (f"decoder.blocks.{3 - i}", s, g)
    for i, (s, g) in enumerate([(16, 10), (24, 12), (40, 16), (112, 320)])
)
DYN = (("upsamples.2", 4, 6), ("upsamples.1", 6, 8), ("upsamples.0", 8, 10))
PLANNED_2D = tuple(
    (f"upsamples.{3 - i}", s, g) for i, (s, g) in enumerate(pairwise((3, 6, 8, 8, 8)))
)
PLANNED_3D = (("upsamples.2", 3, 6), ("upsamples.1", 6, 8), ("upsamples.0", 8, 8))
TRANSFORMER = (("decoder2", 4, 8), ("decoder3", 8, 16), ("decoder4", 16, 32), ("decoder5", 32, 12))
SWIN = (
    ("decoder1", 12, 12),
    ("decoder2", 12, 24),
    ("decoder3", 24, 48),
    ("decoder4", 48, 96),
    ("decoder5", 96, 192),
)

UNET = (("model.1", 4, 4), ("model.1.submodule.1", 6, 8))
UNET_WIDER = (("model.1", 4, 4), ("model.1.submodule.1", 8, 12))
UNET_CHECKPOINTED = (("model.1", 4, 4), ("model.1.submodule.module.1", 6, 8))
UNET_DEEP = (
    ("model.1", 4, 4),
    ("model.1.submodule.1", 6, 6),
    ("model.1.submodule.1.submodule.1", 8, 10),
)
ATTENTION = (("model.1.attention", 8, 8), ("model.1.submodule.1.attention", 12, 12))
SEGRESNET = (("up_samples.1", 4, 8), ("up_samples.0", 8, 16))
SEGRESNET_DS = (("up_layers.1.upsample", 4, 8), ("up_layers.0.upsample", 8, 16))
VNET = (("up_tr32", 16, 64), ("up_tr64", 32, 128), ("up_tr128", 64, 256), ("up_tr256", 128, 256))
NARROW_VNET = tuple((name, skip // 4, gate // 4) for name, skip, gate in VNET)

CASES = {
    "basic_2d": Case(_basic(2), (1, 1, 32, 32), BASIC),
    "basic_2d_odd": Case(_basic(2), (1, 1, 37, 45), BASIC),
    "basic_3d": Case(_basic(3), (1, 1, 33, 35, 32), BASIC),
    "resnet18_2d": Case(_flexible("resnet18", 2), (2, 1, 64, 64), RESNET),
    "resnet10_3d": Case(_flexible("resnet10", 3), (2, 1, 32, 32, 32), RESNET),
    "efficientnet_2d": Case(_flexible("efficientnet-b0", 2), (1, 1, 64, 64), EFFICIENT),
    "dynunet_2d": Case(_dyn(2, False), (1, 1, 32, 32), DYN),
    "dynunet_2d_deep": Case(_dyn(2, True), (1, 1, 32, 32), DYN),
    "dynunet_3d": Case(_dyn(3, False), (1, 1, 16, 16, 16), DYN),
    "dynunet_3d_deep": Case(_dyn(3, True), (1, 1, 16, 16, 16), DYN),
    "planned_2d": Case(partial(_planned, (64, 80), (1.0, 1.0)), (1, 1, 64, 80), PLANNED_2D),
    "planned_3d": Case(
        partial(_planned, (8, 32, 32), (5.0, 1.0, 1.0)), (1, 1, 8, 32, 32), PLANNED_3D
    ),
    "unetr_2d": Case(_unetr(2), (1, 1, 32, 32), TRANSFORMER),
    "unetr_3d": Case(_unetr(3), (1, 1, 32, 32, 32), TRANSFORMER),
    "swin_2d": Case(_swin(2), (1, 1, 32, 32), SWIN),
    "swin_3d": Case(_swin(3), (1, 1, 32, 32, 32), SWIN),
    "unet_2d": Case(_unet(2, (4, 6, 8), (2, 2)), (1, 1, 16, 16), UNET),
    "unet_2d_residual": Case(
        _unet(2, (4, 6, 8, 10), (2, 1, 2), num_res_units=2, dropout=0.1),
        (1, 1, 16, 16),
        UNET_DEEP,
    ),
    "unet_2d_one_level_odd": Case(_unet(2, (4, 8), (2,)), (1, 1, 17, 23), (("model.1", 4, 8),)),
    "unet_2d_checkpointed": Case(
        partial(CheckpointUNet, 2, 1, 2, (4, 6, 8), (2, 2)), (1, 1, 16, 16), UNET_CHECKPOINTED
    ),
    "unet_3d": Case(_unet(3, (4, 8, 12), (2, 2), norm="batch"), (2, 1, 8, 8, 8), UNET_WIDER),
    "unet_3d_residual_odd": Case(
        _unet(3, (4, 6, 8), (1, 1), num_res_units=1), (1, 1, 7, 9, 6), UNET
    ),
    "attention_2d": Case(_attention(2, dropout=0.1), (1, 1, 16, 16), ATTENTION),
    "attention_3d": Case(_attention(3), (1, 1, 8, 8, 8), ATTENTION),
    "segresnet_2d": Case(_segresnet(2), (1, 1, 16, 16), SEGRESNET),
    "segresnet_2d_headless": Case(
        _segresnet(2, upsample_mode="pixelshuffle", use_conv_final=False, dropout_prob=0.1),
        (1, 1, 16, 16),
        SEGRESNET,
    ),
    "segresnet_3d": Case(_segresnet(3, upsample_mode="deconv"), (1, 1, 8, 8, 8), SEGRESNET),
    "segresnet_ds_2d": Case(
        _segresnet_ds(2, upsample_mode="nontrainable"), (1, 1, 16, 16), SEGRESNET_DS
    ),
    "segresnet_ds_2d_deep": Case(_segresnet_ds(2, dsdepth=2), (1, 1, 16, 16), SEGRESNET_DS),
    "segresnet_ds_3d_deep": Case(
        _segresnet_ds(3, dsdepth=2, resolution=(1.0, 1.0, 3.0)), (1, 1, 8, 8, 6), SEGRESNET_DS
    ),
    "vnet_2d": Case(partial(NarrowVNet, 2), (2, 1, 32, 32), NARROW_VNET),
    "vnet_2d_wide": Case(partial(VNet, 2, 1, 2), (2, 1, 32, 32), VNET),
    "vnet_3d": Case(partial(NarrowVNet, 3), (2, 1, 16, 16, 32), NARROW_VNET),
}


FAMILIES = (
    "basic_2d",
    "resnet18_2d",
    "dynunet_3d",
    "unetr_2d",
    "swin_2d",
    "unet_2d",
    "attention_2d",
    "segresnet_2d",
    "segresnet_ds_2d_deep",
    "vnet_3d",
)

# An AttentionUnet has no other site than the skips.
SITED = tuple(name for name in CASES if not name.startswith("attention"))
