"""Rules between options, and those that only this package or this machine can check."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import cast

import torch

from iac_components.bundling.options.values import refusal
from iac_components.common.registry import Registry
from iac_components.data.layouts.catalogue import registered_layouts
from iac_components.dints.topology_grid import OPERATIONS, DintsSpace
from iac_components.evaluation.regions import scored_regions
from iac_components.networks import registered_skip_modules
from iac_components.search_space import registered_operations
from iac_components.search_space.space import CELL_INPUTS, NONE_OPERATION

__all__ = ["Rule", "broken_rules", "register_rule"]

Values = Mapping[str, object]


@dataclass(frozen=True)
class Rule:
    """A rule, and the options without which it does not apply."""

    needs: tuple[str, ...]
    check: Callable[[Values], Iterator[str]]


RULES: Registry[Rule] = Registry("rule")


def register_rule(
    name: str, *needs: str
) -> Callable[[Callable[[Values], Iterator[str]]], Callable[[Values], Iterator[str]]]:
    """Register a function that yields a sentence for each fault.

    Args:
        name: of the rule.
        needs: options that the run must have for the rule to apply.
    """

    def decorate(check: Callable[[Values], Iterator[str]]) -> Callable[[Values], Iterator[str]]:
        RULES.register(name)(Rule(needs, check))
        return check

    return decorate


def broken_rules(values: Values) -> Iterator[str]:
    """Yield a sentence for every rule that the values of a run break."""
    for rule in RULES.values():
        if all(name in values for name in rule.needs):
            yield from rule.check(values)


def _whole(values: Values, name: str) -> int:
    return cast(int, values[name])


def _list(values: Values, name: str) -> list[int]:
    return cast(list[int], values[name])


@register_rule("fold", "fold", "num_folds", "folds_file")
def _fold(values: Values) -> Iterator[str]:
    # An existing file wins over num_folds, and is read with the data set's description.
    folds, there = _whole(values, "num_folds"), Path(str(values["folds_file"])).exists()
    if values["fold"] != "all" and _whole(values, "fold") >= folds and not there:
        yield refusal("fold", values["fold"], f"it must be below --num_folds {folds}.")


@register_rule("warm-up", "warmup_epochs", "epochs")
def _warm_up(values: Values) -> Iterator[str]:
    epochs, warmup = _whole(values, "epochs"), _whole(values, "warmup_epochs")
    if warmup >= epochs:
        yield refusal(
            "warmup_epochs",
            warmup,
            f"it must be below --epochs {epochs}, or the architecture would never learn.",
        )


@register_rule("architecture steps", "architecture_every", "steps_per_epoch", "warmup_epochs")
def _architecture_steps(values: Values) -> Iterator[str]:
    if values["steps_per_epoch"] is None:
        return
    every, steps = _whole(values, "architecture_every"), _whole(values, "steps_per_epoch")
    last = _whole(values, "epochs") * steps // every * every
    if last <= _whole(values, "warmup_epochs") * steps < _whole(values, "epochs") * steps:
        yield refusal(
            "architecture_every",
            every,
            f"with --steps_per_epoch {steps} and --epochs {values['epochs']} the architecture "
            "would never learn; lower it.",
        )


@register_rule("validation", "val_interval", "epochs")
def _validation(values: Values) -> Iterator[str]:
    if _whole(values, "val_interval") > _whole(values, "epochs"):
        yield refusal(
            "val_interval",
            values["val_interval"],
            f"it must be at most --epochs {values['epochs']}, or nothing is ever validated and no "
            "best one is kept.",
        )


def _schedule(name: str, counts: Sequence[int], most: int, of: str) -> Iterator[str]:
    if any(earlier <= later for earlier, later in pairwise(counts)):
        yield refusal(name, counts, "its counts must fall.")
    if max(counts, default=0) > most:
        yield refusal(name, counts, f"a count may be {most} at most, {of}.")


def _follows_schedules(values: Values) -> bool:
    """Return whether a search prunes by schedules: one by audit ignores them, whatever they are."""
    return values.get("pruning") is not False and values.get("criterion") not in ("audit", "both")


@register_rule("cell's operations", "operations", "keep_schedule")
def _cell_operations(values: Values) -> Iterator[str]:
    given, known = cast(list[str], values["operations"]), registered_operations()
    if unknown := [name for name in given if name not in known]:
        rule = f"{', '.join(unknown)} is unknown. Known are {', '.join(known)}."
        yield refusal("operations", given, rule)
    elif not set(given) - {NONE_OPERATION}:
        yield refusal("operations", given, f"one other than '{NONE_OPERATION}' is needed.")
    elif _follows_schedules(values):
        of = f"fewer than the {len(given)} operations"
        yield from _schedule("keep_schedule", _list(values, "keep_schedule"), len(given) - 1, of)


@register_rule("cell's edges", "edge_schedule", "num_nodes")
def _cell_edges(values: Values) -> Iterator[str]:
    if not _follows_schedules(values):
        return
    most = len(CELL_INPUTS) + _whole(values, "num_nodes") - 1
    of = "the inputs of the last node"
    yield from _schedule("edge_schedule", _list(values, "edge_schedule"), most, of)


@register_rule("paths' operations", "num_depths", "keep_schedule")
def _path_operations(values: Values) -> Iterator[str]:
    count = len(OPERATIONS[3])
    of = f"fewer than the {count} operations"
    yield from _schedule("keep_schedule", _list(values, "keep_schedule"), count - 1, of)


@register_rule(
    "space and patch", "num_blocks", "num_depths", "use_downsample", "channel_mul", "patch_size"
)
def _space_and_patch(values: Values) -> Iterator[str]:
    space = DintsSpace(
        num_blocks=_whole(values, "num_blocks"),
        num_depths=_whole(values, "num_depths"),
        use_downsample=bool(values["use_downsample"]),
        channel_mul=cast(float, values["channel_mul"]),
    )
    multiple, sizes = space.size_multiple, _list(values, "patch_size")
    if any(size % multiple or size < 2 * multiple for size in sizes):
        yield refusal(
            "patch_size",
            sizes,
            f"with --num_depths {space.num_depths} each must be a multiple of {multiple}, and "
            f"{2 * multiple} at least.",
        )


@register_rule("patch and view", "patch_size", "field_of_view", "augment")
def _patch_and_view(values: Values) -> Iterator[str]:
    # Training crops patches out of the view, smaller ones without a word; inference needs none.
    view = _list(values, "field_of_view")
    pairs = zip(_list(values, "patch_size"), view[:2], strict=True)
    if any(0 < side < size for size, side in pairs):
        yield refusal(
            "patch_size", values["patch_size"], f"it must lie within --field_of_view {view}."
        )


@register_rule("channels", "class_names", "out_channels")
def _channels(values: Values) -> Iterator[str]:
    classes = len(_list(values, "class_names"))
    if _whole(values, "out_channels") != classes + 1:
        yield refusal(
            "out_channels",
            values["out_channels"],
            f"it must be {classes + 1}, the {classes} of --class_names and the background.",
        )


@register_rule("regions", "class_names", "regions")
def _regions(values: Values) -> Iterator[str]:
    regions = cast(Mapping[str, list[int]] | None, values["regions"])
    try:
        scored_regions(cast(list[str], values["class_names"]), regions)
    except ValueError as error:
        yield refusal("regions", regions, str(error))


@register_rule("voxel sizes", "voxel_size_range")
def _voxel_sizes(values: Values) -> Iterator[str]:
    sizes = cast(list[float] | None, values["voxel_size_range"])
    if sizes is not None and sizes[0] >= sizes[1]:
        yield refusal("voxel_size_range", sizes, "the first must be below the second.")


@register_rule("features", "base_features", "max_features")
def _features(values: Values) -> Iterator[str]:
    least = _whole(values, "base_features")
    if _whole(values, "max_features") < least:
        rule = f"it must be at least --base_features {least}."
        yield refusal("max_features", values["max_features"], rule)


@register_rule("layout", "layout")
def _layout(values: Values) -> Iterator[str]:
    if values["layout"] is not None and values["layout"] not in registered_layouts():
        known = ", ".join(registered_layouts())
        yield refusal("layout", values["layout"], f"it must be one of {known}.")


@register_rule("skip module", "skip_module")
def _skip_module(values: Values) -> Iterator[str]:
    known = ("iac", "plain", *registered_skip_modules())
    if values["skip_module"] not in known:
        rule = f"it must be one of {', '.join(known)}."
        yield refusal("skip_module", values["skip_module"], rule)


@register_rule("folds' architectures", "fold_weights", "fold_architectures")
def _fold_architectures(values: Values) -> Iterator[str]:
    given, weights = (
        cast(list[str] | None, values[name]) for name in ("fold_architectures", "fold_weights")
    )
    if given is not None and len(given) != len(weights or ()):
        rule = f"one is needed for each of --fold_weights, which names {len(weights or ())}."
        yield refusal("fold_architectures", given, rule)


@register_rule("device", "device")
def _device(values: Values) -> Iterator[str]:
    if values["device"] is None:
        return
    name = str(values["device"])
    try:
        device = torch.device(name)
    except RuntimeError:
        yield refusal("device", name, "PyTorch knows no such device; pass cpu, cuda or cuda:N.")
        return
    if device.type == "cuda":
        there = torch.cuda.device_count() if torch.cuda.is_available() else 0
        if (device.index or 0) >= there:
            found = f"{there} GPU(s), counted from 0" if there else "no GPU that PyTorch can use"
            yield refusal("device", name, f"this machine has {found}.")
    elif device.type == "meta":
        yield refusal("device", name, "it computes nothing; pass cpu, cuda or cuda:N.")
    else:
        yield from _cannot_hold(device)


def _cannot_hold(device: torch.device) -> Iterator[str]:
    try:
        torch.empty(0, device=device)
    # What PyTorch raises for a device that it was built without is not specified.
    except Exception as error:
        reason = str(error).strip().splitlines()[0]
        yield refusal("device", str(device), f"PyTorch cannot use it ({reason}).")
