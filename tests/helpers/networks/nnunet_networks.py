"""Small networks of nnU-Net, without and with cells, built by its own builder."""

from __future__ import annotations

import json

import torch

from iac_components.networks import skip_modules

__all__ = ["OURS", "UNET", "arguments", "build", "image", "open_cells", "plain", "with_cells"]

UNET = "dynamic_network_architectures.architectures.unet"
OURS = "iac_components.nnunet.network.implanted_unet"
IMPORTED = ["conv_op", "norm_op", "dropout_op", "nonlin"]


def arguments(kind, dims):
    """Of four stages, the last of which does not halve the first axis."""
    blocks = "n_conv_per_stage" if kind == "PlainConvUNet" else "n_blocks_per_stage"
    return {
        "n_stages": 4,
        "features_per_stage": [4, 8, 12, 12],
        "conv_op": f"torch.nn.modules.conv.Conv{dims}d",
        "kernel_sizes": [[3] * dims] * 4,
        "strides": [[1] * dims, [2] * dims, [2] * dims, [1] + [2] * (dims - 1)],
        blocks: [1, 2, 1, 1],
        "n_conv_per_stage_decoder": [1, 2, 1],
        "conv_bias": True,
        "norm_op": f"torch.nn.modules.instancenorm.InstanceNorm{dims}d",
        "norm_op_kwargs": {"eps": 1e-5, "affine": True},
        "dropout_op": None,
        "dropout_op_kwargs": None,
        "nonlin": "torch.nn.LeakyReLU",
        "nonlin_kwargs": {"inplace": True},
    }


def build(name, kwargs, *, deep_supervision=False, seed=3):
    """As nnU-Net builds what its plans name, ``network.apply(network.initialize)`` included."""
    from nnunetv2.utilities.get_network_from_plans import get_network_from_plans

    torch.manual_seed(seed)
    return get_network_from_plans(name, kwargs, IMPORTED, 2, 3, True, deep_supervision)


def plain(kind, dims, **options):
    return build(f"{UNET}.{kind}", arguments(kind, dims), **options)


def with_cells(kind, dims, genotypes, **options):
    own = {
        "base_class": f"{UNET}.{kind}",
        "genotype": json.loads(genotypes[dims].read_text()),
    }
    return build(OURS, {**arguments(kind, dims), **own}, **options)


def image(dims):
    return torch.rand(2, 2, *[16] * dims, generator=torch.Generator().manual_seed(5))


def open_cells(network):
    with torch.no_grad():
        for module in skip_modules(network):
            module.scale.fill_(1)
