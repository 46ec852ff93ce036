"""MONAI's DynUNet in the shape that nnU-Net plans."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from monai.networks.nets import DynUNet

from iac_components.networks.sizing.nnunet_plan import NnUNetPlan, plan_nnunet

__all__ = ["build_planned_unet", "deep_supervision_weights", "plan_slices"]

Layer = str | Sequence[str | Mapping[str, object]]

_NORM: Layer = ("INSTANCE", {"affine": True})
_ACTIVATION: Layer = ("leakyrelu", {"inplace": True, "negative_slope": 0.01})


def plan_slices(
    patch_size: Sequence[int], *, pixdim: Sequence[float], base_features: int, max_features: int
) -> NnUNetPlan:
    """Plan a U-Net for slices of volumes.

    Args:
        patch_size: pixels of a slice's patch.
        pixdim: voxel size of the volumes in mm, -1 where an axis stays as it is, which counts as 1.
        base_features: channels at the finest resolution.
        max_features: most channels.

    Raises:
        ValueError: as by :func:`plan_nnunet`.
    """
    spacing = [abs(size) for size in pixdim[: len(patch_size)]]
    return plan_nnunet(
        patch_size, spacing=spacing, base_features=base_features, max_features=max_features
    )


def build_planned_unet(
    plan: NnUNetPlan,
    *,
    in_channels: int,
    out_channels: int,
    deep_supervision: bool = True,
    norm_name: Layer = _NORM,
    act_name: Layer = _ACTIVATION,
) -> DynUNet:
    """Build the DynUNet of a plan, with nnU-Net's normalization and activation.

    Args:
        plan: strides, kernels and channels.
        in_channels: of an image.
        out_channels: of the logits.
        deep_supervision: also give logits at the coarser resolutions, in training.
        norm_name: normalization, as DynUNet takes it.
        act_name: activation, as DynUNet takes it.
    """
    return DynUNet(
        spatial_dims=len(plan.strides[0]),
        in_channels=in_channels,
        out_channels=out_channels,
        kernel_size=plan.kernel_size,
        strides=plan.strides,
        upsample_kernel_size=plan.upsample_kernel_size,
        filters=plan.filters,
        norm_name=norm_name,
        act_name=act_name,
        deep_supervision=deep_supervision,
        deep_supr_num=plan.deep_supr_num,
    )


def deep_supervision_weights(plan: NnUNetPlan) -> list[float]:
    """Weights of a plan's supervised resolutions, finest first."""
    return list(plan.deep_supervision_weights)
