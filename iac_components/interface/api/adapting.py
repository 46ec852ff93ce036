"""A released network adapted to a new site, or kept as it is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TypeAlias, cast

import torch
from monai.data import MetaTensor
from monai.inferers import Inferer, SimpleInferer
from torch import Tensor, nn

from iac_components.adaptation.fitting.cases import SiteCase, WindowShape
from iac_components.adaptation.run import Adaptation
from iac_components.adaptation.session import adapt_site
from iac_components.adaptation.settings import AdaptSettings
from iac_components.adaptation.site import Site
from iac_components.bundling.options import OptionError
from iac_components.interface.api.inputs.parts import Part
from iac_components.interface.api.inputs.recipe import Recipe
from iac_components.interface.api.inputs.transforms import training_volumes, window_inferer
from iac_components.search_space import Genotype, load_genotype

__all__ = ["adapt"]

Items: TypeAlias = Part | Sequence[Mapping[str, object]]


def adapt(
    network: nn.Module,
    cases: Items,
    *,
    output_dir: str | Path | None = None,
    class_names: Sequence[str] | None = None,
    classes: Sequence[str] | None = None,
    inferer: Inferer | None = None,
    window: Sequence[int] | None = None,
    slice_axis: int | None = None,
    source: Items = (),
    genotype: Genotype | str | Path | None = None,
    **settings: object,
) -> Adaptation:
    """Adapt a network with its weights to 2 to 20 labelled cases, if that is proved to help.

    Small parts are tried in copies of the frozen network, each judged on patients that it has not
    seen. One is used if the lower bound of its gain in Dice is above ``least_gain``; otherwise the
    adapter is the identity, and the verdict says so.

    Args:
        network: from (B, C, *S) to logits (B, classes, *S); it stays as it is. Of what
            ``torch.jit.load`` returns, only norm layers are adapted.
        cases: a part of :func:`load_dataset`, or items with ``image`` (C, *S), ``label`` (*S) or
            (1, *S) with class indices, ``case`` and ``patient``.
        output_dir: gets the adapter, the report and the finished trainings; None writes nothing.
        class_names: of the foreground classes; a part knows them.
        classes: some of them, where the site does not draw all.
        inferer: applies the network to a whole case; a part knows it, else the network gets the
            case as a whole.
        window: sizes of what the network is given at a time in training.
        slice_axis: axis that slices are taken across, for a 2-D network on volumes.
        source: cases of the network's own domain, which must not lose.
        genotype: of the cells that are tried; None takes a small uniform cell.
        **settings: fields of ``AdaptSettings``, such as ``candidates``, ``least_gain``, ``steps``.

    Raises:
        OptionError: if an argument is not allowed, or network and cases do not fit.
        DatasetError: if a case is at fault.

    Example:
        >>> names = ["anterior", "posterior"]
        >>> found = iac.adapt(  # doctest: +ELLIPSIS
        ...     network, cases, class_names=names, steps=2, folds=2
        ... )
        Network: UNet, classes anterior, posterior...
        >>> found.verdict.chosen is None or found.adapter.parameters > 0
        True
    """
    recipe = cases.recipe if isinstance(cases, Part) else None
    names = class_names or (recipe.class_names if recipe is not None else None)
    if not names:
        raise OptionError("class_names is missing: name the network's foreground classes in order.")
    if isinstance(genotype, str | Path):
        genotype = load_genotype(genotype)
    site = Site(
        network,
        _read(cases),
        tuple(names),
        inferer or (window_inferer(recipe) if recipe is not None else SimpleInferer()),
        _window(recipe, window, slice_axis),
        classes=classes,
        source=_read(source),
        genotype=genotype,
    )
    return adapt_site(site, AdaptSettings.of(settings), output_dir)


def _window(
    recipe: Recipe | None, size: Sequence[int] | None, slice_axis: int | None
) -> WindowShape:
    if recipe is None:
        return WindowShape(tuple(size) if size is not None else None, slice_axis)
    if size is not None or slice_axis is not None:
        raise OptionError("window and slice_axis are the recipe's for a part: leave them out.")
    return WindowShape(recipe.patch_size, 2 if recipe.spatial_dims == 2 else None)


def _read(cases: Items) -> list[SiteCase]:
    if isinstance(cases, Part):
        volumes = training_volumes(cases.recipe)
        items: Sequence[Mapping[str, object]] = [
            {**entry, **cast(dict[str, object], volumes(dict(entry)))} for entry in cases.entries
        ]
    else:
        items = cases
    return [_case(item, number) for number, item in enumerate(items)]


def _case(item: Mapping[str, object], number: int) -> SiteCase:
    missing = [key for key in ("image", "label", "case", "patient") if key not in item]
    if missing:
        raise OptionError(f"item {number} of cases lacks {' and '.join(missing)}.")
    image, label = (_plain(item[key]) for key in ("image", "label"))
    if label.ndim == image.ndim:
        label = label[0]
    source = item["image"]
    spacing = tuple(map(float, source.pixdim)) if isinstance(source, MetaTensor) else ()
    return SiteCase(
        str(item["case"]),
        str(item["patient"]),
        image.to(torch.float32).contiguous(),
        label.round().to(torch.int64).contiguous(),
        spacing[: label.ndim],
    )


def _plain(values: object) -> Tensor:
    if isinstance(values, MetaTensor):
        plain: Tensor = values.as_tensor()
        return plain
    return torch.as_tensor(values)
