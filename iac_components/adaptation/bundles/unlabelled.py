"""Norm statistics from images without labels: an adapter whose gain nobody has measured."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import torch

from iac_components.adaptation.adapter.adapter_file import Adapter
from iac_components.adaptation.adapter.base_network import count_parameters, network_digest
from iac_components.adaptation.bundles.network_bundle import NetworkBundle
from iac_components.adaptation.bundles.readable import readable_entries
from iac_components.adaptation.candidates import NotApplicableError, PlanOptions, find_candidate
from iac_components.adaptation.fitting.cases import SiteCase
from iac_components.adaptation.fitting.fit import FitSettings, fit_parts
from iac_components.adaptation.fitting.objective import Objective
from iac_components.adaptation.fitting.pool import WindowPool
from iac_components.bundling.options import OptionError
from iac_components.common.causes import first_cause, one_line
from iac_components.data import DatalistEntry, DatasetError, image_datalist

__all__ = ["WARNING", "adapt_statistics"]

KIND = "norm_statistics"
WARNING = (
    "WARNING: without labels nothing was measured. These statistics may make the network better or "
    "worse; look at label maps with and without the adapter before you use it."
)


def adapt_statistics(
    bundle: NetworkBundle, images: str | Path, *, batch_size: int = 4, seed: int = 0
) -> Adapter:
    """Estimate the running statistics of a network's batch norms on images without labels.

    Args:
        bundle: whose network is adapted.
        images: folder of images.
        batch_size: windows of a step.
        seed: of the windows.

    Raises:
        OptionError: if the network has no batch norm.
        DatasetError: if there is no image, or one cannot be prepared.
    """
    try:
        plan = find_candidate(KIND).plan(bundle.network, PlanOptions(0))
    except NotApplicableError as reason:
        raise OptionError(
            f"--unlabelled: {reason}. Without labels nothing else can be adapted: label 2 cases."
        ) from reason
    entries = image_datalist(images, num_channels=bundle.channels)
    cases = _prepare(bundle, entries)
    pool = WindowPool(cases, bundle.window, seed=seed, augmented=False)
    fitted = fit_parts(
        bundle.network,
        [plan],
        pool.of(cases, batch_size),
        Objective((1,), 2),
        FitSettings(),
        seed=seed,
    )
    return Adapter(
        (plan,),
        fitted.values,
        base_name=bundle.name,
        base_digest=network_digest(bundle.network),
        base_parameters=count_parameters(bundle.network),
        preprocessing=bundle.digest,
        classes=bundle.class_names,
        record={
            "verdict": "not measured",
            "chosen": KIND,
            "reason": WARNING,
            "cases": [{"case": case.name, "patient": case.patient} for case in cases],
        },
    )


def _prepare(bundle: NetworkBundle, entries: Sequence[DatalistEntry]) -> list[SiteCase]:
    cases = []
    with TemporaryDirectory(prefix="iac_images_") as folder:
        for entry in readable_entries(bundle, entries, Path(folder)):
            name = str(entry["case"])
            try:
                image = bundle.preprocessing({"image": entry["image"]})["image"]
            # A bundle's transforms may raise anything.
            except Exception as error:
                raise DatasetError(
                    f"image '{name}' cannot be prepared as the bundle prepares its images: "
                    f"{one_line(first_cause(error))}"
                ) from error
            plain = torch.as_tensor(image).as_subclass(torch.Tensor).float().contiguous()
            if not bool(plain.isfinite().all()):
                raise DatasetError(f"image '{name}' has voxels that are not finite. Repair it.")
            # No foreground: windows lie anywhere.
            nothing = torch.zeros(plain.shape[1:], dtype=torch.int64)
            cases.append(SiteCase(name, name, plain, nothing))
    return cases
