"""Adaptation of a downloaded bundle: what ``iac adapt`` and the bundle's config both run."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path

import torch

from iac_components.adaptation.adapter.adapter_file import Adapter
from iac_components.adaptation.bundles.labelled import find_cases, prepare_cases
from iac_components.adaptation.bundles.network_bundle import (
    NetworkBundle,
    chosen_device,
    read_bundle,
)
from iac_components.adaptation.bundles.new_bundle import require_apart
from iac_components.adaptation.bundles.unlabelled import WARNING, adapt_statistics
from iac_components.adaptation.checks import MOST_CASES
from iac_components.adaptation.run import Adaptation
from iac_components.adaptation.session import ADAPTER_FOLDER, adapt_site
from iac_components.adaptation.settings import AdaptSettings
from iac_components.adaptation.site import Site
from iac_components.bundling.options import OptionError
from iac_components.data import Case, DatasetError
from iac_components.engine import OwnedFolders
from iac_components.search_space import load_genotype

__all__ = ["adapt_bundle"]


def adapt_bundle(
    network_bundle: str | Path,
    dataset_dir: str | Path,
    output_dir: str | Path,
    *,
    layout: str | None = None,
    source_dir: str | Path | None = None,
    classes: str | list[str] | None = None,
    genotype_path: str | Path | None = None,
    unlabelled: bool = False,
    device: str | torch.device | None = None,
    **settings: object,
) -> Adaptation | Adapter:
    """Adapt a downloaded inference bundle to a few labelled cases.

    Args:
        network_bundle: its folder, which is only read.
        dataset_dir: 2 to 20 labelled cases; see ``find_cases``.
        output_dir: gets the adapter, the report and the finished trainings.
        layout: of ``dataset_dir`` and ``source_dir``; None finds out.
        source_dir: labelled cases of the network's own domain, which must not lose.
        classes: names of the classes that the site draws; None for all.
        genotype_path: ``genotype.json`` of the cells; None takes a small uniform cell.
        unlabelled: ``dataset_dir`` holds images alone: norm statistics are estimated on them, and
            nothing is measured.
        device: where to compute; None leaves it to the bundle.
        **settings: fields of ``AdaptSettings``; None takes a default.

    Returns:
        What was found; with ``unlabelled`` the adapter.

    Raises:
        OptionError: if an option, the bundle or its network is at fault.
        DatasetError: if a case is.
    """
    chosen = AdaptSettings.of(settings)
    require_apart(network_bundle, output_dir)
    where = chosen_device(device)
    if unlabelled:
        given = {"layout": layout, "source_dir": source_dir, "classes": classes}
        _require_used(chosen, {**given, "genotype_path": genotype_path})
        return _without_labels(
            read_bundle(network_bundle, device=where), dataset_dir, output_dir, chosen
        )
    few = _few(find_cases(dataset_dir, layout=layout), dataset_dir)
    own = find_cases(source_dir, layout=layout) if source_dir else []
    cells = load_genotype(genotype_path) if genotype_path else None
    bundle = read_bundle(network_bundle, device=where)
    site = Site(
        bundle.network,
        prepare_cases(bundle, few),
        bundle.class_names,
        bundle.inferer,
        bundle.window,
        classes=[classes] if isinstance(classes, str) else classes,
        source=prepare_cases(bundle, own),
        name=bundle.name,
        preprocessing=bundle.digest,
        inferer_digest=bundle.inferer_digest,
        genotype=cells,
        channels=bundle.channels,
    )
    found = adapt_site(site, chosen, output_dir)
    print(_next_steps(bundle, Path(output_dir), found), flush=True)
    return found


def _require_used(settings: AdaptSettings, given: Mapping[str, object]) -> None:
    """Refuse options that have no effect without labels."""
    default = AdaptSettings()
    changed = [
        field.name
        for field in fields(settings)
        if field.name not in ("batch_size", "seed")
        and getattr(settings, field.name) != getattr(default, field.name)
    ]
    unused = [name for name, value in given.items() if value is not None] + changed
    if unused:
        raise OptionError(f"--{unused[0]} has no effect with --unlabelled: leave it out.")


def _without_labels(
    bundle: NetworkBundle, images: str | Path, output_dir: str | Path, settings: AdaptSettings
) -> Adapter:
    print(WARNING, flush=True)
    folders = OwnedFolders(output_dir=output_dir)
    folders.claim()
    try:
        adapter = adapt_statistics(
            bundle, images, batch_size=settings.batch_size, seed=settings.seed
        )
        place = adapter.save(Path(output_dir) / ADAPTER_FOLDER)
    finally:
        folders.release()
    print(f"Adapter: {place} ({adapter.parameters} values of {adapter.describe()})", flush=True)
    return adapter


def _few(cases: list[Case], folder: str | Path) -> list[Case]:
    """Refuse too many or too few cases before any of them is prepared."""
    if not 2 <= len(cases) <= MOST_CASES:
        raise DatasetError(
            f"'{folder}' holds {len(cases)} labelled case(s): an adapter is chosen with 2 to "
            f"{MOST_CASES}. " + ("Label another patient." if len(cases) < 2 else "Give fewer.")
        )
    return cases


def _next_steps(bundle: NetworkBundle, out: Path, found: Adaptation) -> str:
    lines = [f"Report:  {out / 'report.html'}", f"Adapter: {out / 'adapter'}"]
    if found.verdict.chosen is not None:
        root, adapter = (shlex.quote(str(path)) for path in (bundle.root, out / "adapter"))
        lines.append(
            f"Use it:  iac predict {root} IMAGES --adapter {adapter} --output_dir LABEL_MAPS"
        )
    return "\n".join(lines)
