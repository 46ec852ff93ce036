"""nnU-Net's plans: read and checked, and rewritten for a network with cells or for a search."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import cast

from iac_components.common.files import Fields, read_json

__all__ = [
    "OWN_SECTION",
    "PlansError",
    "changed_plans",
    "chosen_configurations",
    "own_section",
    "read_plans",
]

OWN_SECTION = "iac_components"
"""Key of what nnU-Net does not read: where the plans are from, and options of a trainer."""

NETWORK = "iac_components.nnunet.network.implanted_unet"
"""The function that plans with cells name as their network."""

CLASSES = tuple(
    f"dynamic_network_architectures.architectures.unet.{name}"
    for name in ("PlainConvUNet", "ResidualEncoderUNet")
)
MAX_BYTES = 10_000_000

_TOP = {
    *("dataset_name", "plans_name", "configurations", "experiment_planner_used", "label_manager"),
    *("original_median_spacing_after_transp", "original_median_shape_after_transp"),
    *("image_reader_writer", "transpose_forward", "transpose_backward"),
    *("foreground_intensity_properties_per_channel", "foreground_intensity_properties_by_modality"),
}
_CONFIGURATION = {
    *("data_identifier", "preprocessor_name", "batch_size", "patch_size", "spacing", "batch_dice"),
    *("median_image_size_in_voxels", "normalization_schemes", "use_mask_for_norm", "architecture"),
    *("resampling_fn_data", "resampling_fn_data_kwargs", "inherits_from", "previous_stage"),
    *("resampling_fn_seg", "resampling_fn_seg_kwargs", "next_stage"),
    *("resampling_fn_probabilities", "resampling_fn_probabilities_kwargs"),
}
_ARCHITECTURE = {"network_class_name", "arch_kwargs", "_kw_requires_import"}
_ARGUMENTS = {
    *("n_stages", "features_per_stage", "conv_op", "kernel_sizes", "strides", "conv_bias"),
    *("n_conv_per_stage", "n_blocks_per_stage", "n_conv_per_stage_decoder", "nonlin_first"),
    *("norm_op", "norm_op_kwargs", "dropout_op", "dropout_op_kwargs", "nonlin", "nonlin_kwargs"),
    *("block", "bottleneck_channels", "stem_channels"),
}


class PlansError(ValueError):
    """Plans that cannot be used; the message names the file and the field at fault."""


def read_plans(path: str | Path) -> dict[str, object]:
    """Read plans that nnU-Net 2.4 or later made for its own networks.

    Raises:
        PlansError: if the file is missing, no JSON, has a key that is unknown, lacks one, holds
            cells already, or is for another network than ``PlainConvUNet`` and
            ``ResidualEncoderUNet``.
    """
    try:
        top = Fields.of(read_json(path, max_bytes=MAX_BYTES), error=PlansError)
        if OWN_SECTION in top.values:
            raise PlansError("was written by this command already: give the plans of nnU-Net.")
        _require_known(top, _TOP)
        for name in ("dataset_name", "plans_name"):
            top.string(name)
        configurations = top.child("configurations")
        for name in configurations.values:
            _check_configuration(configurations.child(name))
    except ValueError as error:
        raise PlansError(f"plans '{path}': {error}") from error
    return copy.deepcopy(dict(top.values))


def chosen_configurations(
    plans: Mapping[str, object], names: Sequence[str], *, spatial_dims: int | None
) -> list[str]:
    """Return the configurations that have a network of their own to change.

    Args:
        plans: of :func:`read_plans`.
        names: those asked for; none stands for all of so many dimensions.
        spatial_dims: 2 or 3; None for any.

    Raises:
        PlansError: if one does not exist, has other dimensions or takes its network from another,
            or none is left.
    """
    there = cast("Mapping[str, Mapping[str, object]]", plans["configurations"])
    unknown = sorted(set(names) - set(there))
    if unknown:
        raise PlansError(
            f"configuration '{unknown[0]}' is not in the plans, which hold {', '.join(there)}: "
            "choose from these."
        )
    for name in names:
        if "architecture" not in there[name]:
            parent = there[name].get("inherits_from")
            raise PlansError(
                f"configuration '{name}' has the network of '{parent}': name that one; '{name}' "
                "comes along."
            )
    own = [name for name in (names or there) if "architecture" in there[name]]
    fitting = [name for name in own if spatial_dims in (None, _dims(there[name]))]
    misfits = sorted(set(own) - set(fitting)) if names else []
    if misfits or not fitting:
        which = f"configuration '{misfits[0]}' has" if misfits else "all configurations have"
        raise PlansError(f"{which} other dimensions than the genotype, which has {spatial_dims}.")
    return fitting


def changed_plans(
    plans: Mapping[str, object],
    *,
    name: str,
    arguments: Mapping[str, Mapping[str, object]],
    section: Mapping[str, object],
) -> dict[str, object]:
    """Return plans under another name with :data:`NETWORK` in some configurations.

    The others are left out, unless they inherit from one of these or are needed by them.

    Args:
        plans: of :func:`read_plans`.
        name: of the new plans, by which nnU-Net names the folders of its results.
        arguments: that the network has beside those of nnU-Net's class, by configuration.
        section: what to keep under :data:`OWN_SECTION`.
    """
    new = copy.deepcopy(dict(plans))
    there = cast("dict[str, dict[str, object]]", new["configurations"])
    new["configurations"] = {key: there[key] for key in _with_relatives(there, arguments)}
    for key, own in arguments.items():
        old = cast("dict[str, object]", there[key]["architecture"])
        kwargs = cast("dict[str, object]", old["arch_kwargs"])
        there[key]["architecture"] = {
            "network_class_name": NETWORK,
            "arch_kwargs": {**kwargs, "base_class": old["network_class_name"], **own},
            "_kw_requires_import": old["_kw_requires_import"],
        }
    new["plans_name"] = name
    new[OWN_SECTION] = {"source_plans": plans["plans_name"], **section}
    return new


def own_section(plans: Mapping[str, object]) -> Mapping[str, object]:
    """Return what this package wrote into plans; of nnU-Net's own, that they are their source."""
    section = plans.get(OWN_SECTION, {"source_plans": plans["plans_name"]})
    return cast("Mapping[str, object]", section)


def _check_configuration(configuration: Fields) -> None:
    _require_known(configuration, _CONFIGURATION)
    if "inherits_from" in configuration.values and "architecture" not in configuration.values:
        return
    architecture = configuration.child("architecture")
    _require_known(architecture, _ARCHITECTURE)
    if (found := architecture.string("network_class_name")) not in CLASSES:
        raise PlansError(
            f"{architecture.name('network_class_name')} is '{found}': cells go into "
            "PlainConvUNet and ResidualEncoderUNet."
        )
    architecture.strings("_kw_requires_import")
    arguments = architecture.child("arch_kwargs")
    _require_known(arguments, _ARGUMENTS)
    arguments.items("strides")
    if _convolution_dims(arguments.string("conv_op")) is None:
        raise PlansError(f"{arguments.name('conv_op')} must be a Conv2d or Conv3d.")


def _require_known(fields: Fields, known: set[str]) -> None:
    unknown = sorted(set(fields.values) - known)
    if unknown:
        raise PlansError(
            f"key '{fields.name(unknown[0])}' is unknown: nnU-Net 2.8 has none of this name here. "
            "Plan again with it, or remove the key."
        )


def _dims(configuration: Mapping[str, object]) -> int | None:
    architecture = cast("Mapping[str, Mapping[str, str]]", configuration["architecture"])
    return _convolution_dims(architecture["arch_kwargs"]["conv_op"])


def _convolution_dims(name: str) -> int | None:
    return {"Conv2d": 2, "Conv3d": 3}.get(name.rpartition(".")[2])


def _with_relatives(
    configurations: Mapping[str, Mapping[str, object]], chosen: Iterable[str]
) -> list[str]:
    """Return what was chosen, what takes its network from that, and what either refers to."""
    found = set(chosen)
    # A relative may have relatives: once more for each configuration is enough.
    for _ in configurations:
        for name, values in configurations.items():
            parent = values.get("inherits_from")
            if parent in found and "architecture" not in values:
                found.add(name)
            if name in found:
                stages = values.get("next_stage") or []
                listed = [stages] if isinstance(stages, str) else cast("list[str]", stages)
                found |= {str(parent), str(values.get("previous_stage")), *listed}
    return [name for name in configurations if name in found]
