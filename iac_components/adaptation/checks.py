"""Bad input to an adaptation, told in one line each before any work."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn

from iac_components.adaptation.adapter.base_network import is_scripted, network_name
from iac_components.adaptation.choice.statistics import held_out_folds
from iac_components.adaptation.fitting.cases import SiteCase, WindowShape
from iac_components.bundling.options import OptionError
from iac_components.data import DatasetError

__all__ = [
    "MOST_CASES",
    "check_cases",
    "check_each",
    "check_network",
    "chosen_classes",
    "input_shape",
    "remarks",
    "require_module",
]

MOST_CASES = 20


def chosen_classes(class_names: Sequence[str], wanted: Sequence[str] | None) -> tuple[int, ...]:
    """Return the label values of the classes to judge.

    Args:
        class_names: of the network's foreground classes; label i + 1 is ``class_names[i]``.
        wanted: some of them; None takes all.

    Raises:
        OptionError: if one is unknown, or none is named.
    """
    if wanted is None:
        return tuple(range(1, len(class_names) + 1))
    unknown = [name for name in wanted if name not in class_names]
    if unknown or not wanted:
        raise OptionError(
            f"--classes {', '.join(map(repr, unknown)) or 'is empty'}: the network's classes are "
            f"{', '.join(class_names)}."
        )
    return tuple(i for i, name in enumerate(class_names, start=1) if name in wanted)


def check_cases(
    cases: Sequence[SiteCase], class_names: Sequence[str], classes: Sequence[int], *, channels: int
) -> None:
    """Check a site's cases, their number and each against a network's classes and channels.

    Raises:
        DatasetError: naming the case and what is wrong with it.
    """
    if not 2 <= len(cases) <= MOST_CASES:
        remedy = "Label another patient" if len(cases) < 2 else "Train the network further instead"
        raise DatasetError(
            f"{len(cases)} labelled case(s) given: an adapter is chosen with 2 to {MOST_CASES}. "
            f"{remedy}."
        )
    check_each(cases, class_names, classes, channels=channels)
    held_out_folds([case.patient for case in cases])


def check_each(
    cases: Sequence[SiteCase],
    class_names: Sequence[str],
    classes: Sequence[int],
    *,
    channels: int,
    kind: str = "case",
) -> None:
    """Check cases, of the site or of the network's own domain, against a network.

    Args:
        cases: at least one.
        class_names: of the network's foreground classes.
        classes: label values of those that are judged.
        channels: of an image.
        kind: of case, for messages.

    Raises:
        DatasetError: naming the case and what is wrong with it.
    """
    names = [case.name for case in cases]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise DatasetError(f"two {kind}s are called '{twice[0]}'. Rename one of them.")
    for case in cases:
        _check_case(case, class_names, channels, kind)
    values = torch.tensor(classes)
    if not any(bool(torch.isin(case.label, values).any()) for case in cases):
        judged = ", ".join(f"{value} {class_names[value - 1]}" for value in classes)
        raise DatasetError(
            f"no {kind} shows {judged} in its label: there is nothing to learn or to judge. "
            "Give labels that do, or other --classes."
        )


def _check_case(case: SiteCase, class_names: Sequence[str], channels: int, kind: str) -> None:
    if len(case.image) != channels:
        raise DatasetError(
            f"{kind} '{case.name}' has {len(case.image)} channel(s), the network takes "
            f"{channels}. Give images of the kind that the network was trained with."
        )
    if case.image.shape[1:] != case.label.shape:
        raise DatasetError(
            f"{kind} '{case.name}': the prepared image is {tuple(case.image.shape[1:])}, its "
            f"label {tuple(case.label.shape)}. They must lie on the same grid."
        )
    foreign = sorted(v for v in torch.unique(case.label).tolist() if not 0 <= v <= len(class_names))
    if foreign:
        known = ", ".join(f"{i} {name}" for i, name in enumerate(class_names, start=1))
        raise DatasetError(
            f"{kind} '{case.name}' has label value(s) {foreign}, outside the network's classes "
            f"(0 background, {known}). Relabel them, or take them out."
        )
    if not bool(case.image.isfinite().all()):
        raise DatasetError(f"{kind} '{case.name}' has voxels that are not finite. Repair it.")


def remarks(
    cases: Sequence[SiteCase], class_names: Sequence[str], classes: Sequence[int]
) -> list[str]:
    """Name the classes that the site lacks, altogether or in some cases, and those left out."""
    found = []
    for value, name in enumerate(class_names, start=1):
        without = [case.name for case in cases if not bool((case.label == value).any())]
        if value not in classes:
            found.append(f"'{name}' ({value}) is not judged, and counts as background.")
        elif len(without) == len(cases):
            found.append(
                f"'{name}' ({value}) is in no label: if this site does not draw it, leave it out "
                "with --classes; as it is, every prediction of it counts as wrong."
            )
        elif without:
            found.append(
                f"'{name}' ({value}) is not in {len(without)} of {len(cases)} labels "
                f"({', '.join(without[:3])}{', ...' if len(without) > 3 else ''})."
            )
    return found


def input_shape(cases: Sequence[SiteCase], window: WindowShape) -> tuple[int, ...]:
    """Return ``(1, C, *S)`` of what the network is given at a time."""
    sizes = window.size or _whole(cases[0], window)
    return (1, len(cases[0].image), *sizes)


def _whole(case: SiteCase, window: WindowShape) -> tuple[int, ...]:
    return tuple(n for axis, n in enumerate(case.label.shape) if axis != window.slice_axis)


def require_module(network: object) -> None:
    """Check that a network is a module, in Python or TorchScript.

    Raises:
        OptionError: if it is something else.
    """
    if not isinstance(network, nn.Module):
        raise OptionError(
            f"network is a {type(network).__name__}, expected a torch.nn.Module or what "
            "torch.jit.load returns: load the network with its weights, and pass it."
        )


@torch.no_grad()
def check_network(network: nn.Module, shape: Sequence[int], class_names: Sequence[str]) -> int:
    """Run a network once; returns the number of its output channels.

    Raises:
        OptionError: if it cannot be adapted, fails on the shape, or gives other classes.
    """
    name = network_name(network)
    example = next(network.parameters(), None)
    if example is None:
        why = " (torch.jit.freeze makes constants of them)" if is_scripted(network) else ""
        raise OptionError(f"{name} has no parameter{why}: there is nothing to adapt.")
    network.eval()
    try:
        output = network(torch.zeros(tuple(shape), device=example.device, dtype=example.dtype))
    # A foreign network may raise anything on a size that does not suit it.
    except Exception as error:
        raise OptionError(
            f"{name} fails on an input of shape {tuple(shape)}: {_cause(network, error)}"
        ) from error
    first = output[0] if isinstance(output, list | tuple) else output
    channels = int(first.shape[1])
    if channels not in {len(class_names) + 1, 1 if len(class_names) == 1 else -1}:
        raise OptionError(
            f"the network gives {channels} channel(s) for {len(class_names)} class(es) "
            f"({', '.join(class_names)}): one for each and the background is expected. Networks "
            "of overlapping regions are not supported."
        )
    if not bool(first.isfinite().all()):
        raise OptionError("the network's output is not finite on an empty image: are its weights?")
    return channels


def _cause(network: nn.Module, error: Exception) -> str:
    """Return what a network says; TorchScript tells where it failed first, and the cause last."""
    text = str(error).strip()
    return " ".join((text.splitlines()[-1] if is_scripted(network) else text).split())[:200]
