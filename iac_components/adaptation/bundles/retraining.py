"""An exported bundle's adapter, trained again with other cases from the released weights.

The keys are those that MONAI Label looks for in ``train.json``: ``train#dataset#data`` gets its
labelled images, ``train#trainer#max_epochs`` the length that a user asks for.
"""

from __future__ import annotations

import copy
import shutil
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import cast

import torch
from monai.bundle import ConfigParser
from torch import nn

from iac_components.adaptation.adapter.adapter_file import Adapter, load_adapter
from iac_components.adaptation.adapter.applying import require_base
from iac_components.adaptation.bundles.labelled import find_cases, prepare_cases
from iac_components.adaptation.bundles.network_bundle import (
    NetworkBundle,
    read_bundle,
    weights_file,
)
from iac_components.adaptation.bundles.new_bundle import write_weights
from iac_components.adaptation.fitting.cases import SiteCase
from iac_components.adaptation.fitting.fit import FitSettings, fit_parts
from iac_components.adaptation.fitting.objective import paired_gain
from iac_components.adaptation.fitting.pool import WindowPool
from iac_components.adaptation.fitting.strength import weakened
from iac_components.adaptation.site import Site
from iac_components.bundling.options import OptionError, parse_with_paths
from iac_components.common.files import write_json
from iac_components.data import Case, DatasetError
from iac_components.data.case import image_stem
from iac_components.networks import load_weights

__all__ = ["AdapterTrainer", "adapter_reference", "site_datalist", "write_training"]

ADAPTER_FOLDER = "adapter"
BUILDER = "iac_components.adaptation.build_adapted_network"
RELEASED = Path("models", "released.pt")
TRAIN_CONFIG = Path("configs", "train.json")
STEPS_PER_EPOCH = 10
EPOCHS = 20

Item = Mapping[str, object]


def adapter_reference(folder: str) -> str:
    """Return what a config calls the folder of an adapter in its bundle."""
    return f"$@bundle_root + '/{folder}'"


def write_training(made: Path, base_weights: Path, adapter: str) -> None:
    """Add to an exported bundle what its adapter is trained again with.

    Args:
        made: the bundle's folder.
        base_weights: of the released network.
        adapter: name of the adapter's folder in it.
    """
    # Without their mode, by which nobody might write.
    shutil.copyfile(base_weights, made / RELEASED)
    names = "iac_components.adaptation"
    trainer = {
        "_target_": f"{names}.AdapterTrainer",
        "bundle_root": "@bundle_root",
        "adapter": adapter,
        "cases": "@train#dataset",
        "validation": "@validate#dataset",
        "max_epochs": EPOCHS,
        "steps_per_epoch": STEPS_PER_EPOCH,
        "batch_size": 4,
        "rate": 1.0,
        "seed": 0,
        "device": "@device",
    }
    data = {"_target_": f"{names}.site_datalist", "folder": "@dataset_dir"}
    config = {
        "bundle_root": ".",
        "dataset_dir": None,
        "device": "$torch.device('cuda' if torch.cuda.is_available() else 'cpu')",
        "imports": ["$import torch"],
        "train": {
            "dataset": {"_target_": "Dataset", "data": data},
            "trainer": trainer,
            "handlers": [],
        },
        "validate": {"dataset": {"_target_": "Dataset", "data": []}},
        "initialize": [],
        "run": ["$@train#trainer.run()"],
    }
    write_json(made / TRAIN_CONFIG, config)


def site_datalist(folder: str | Path | None) -> list[dict[str, object]]:
    """List the labelled cases of a folder as MONAI does, with ``image`` and ``label``.

    Raises:
        OptionError: if no folder is given.
        DatasetError: naming what is missing in it.
    """
    if folder is None:
        raise OptionError("--dataset_dir is not given: pass the folder of labelled cases.")
    return [dict(case.entry()) for case in find_cases(folder)]


class AdapterTrainer:
    """Trains the adapter of an exported bundle again, and puts it into the bundle's weights.

    The parts stay what they are; their values are trained from the released weights. Where there
    are validation cases on which the result is worse than the weights before, these stay.

    Args:
        bundle_root: of a bundle that ``iac export --also training`` wrote.
        cases: with ``image`` and ``label``, and ``patient`` if it is known.
        max_epochs: length of the training.
        adapter: name of the adapter's folder in the bundle.
        validation: cases to compare the new weights with the old ones on; may be empty.
        steps_per_epoch: steps of the optimizer.
        batch_size: windows of a step.
        rate: factor on the learning rates of the parts.
        seed: of what is drawn.
        device: where to compute.

    Raises:
        OptionError: if the bundle cannot be trained again.
    """

    def __init__(
        self,
        bundle_root: str | Path,
        cases: Iterable[Item],
        max_epochs: int = EPOCHS,
        *,
        adapter: str = ADAPTER_FOLDER,
        validation: Iterable[Item] = (),
        steps_per_epoch: int = STEPS_PER_EPOCH,
        batch_size: int = 4,
        rate: float = 1.0,
        seed: int = 0,
        device: str | torch.device = "cpu",
    ) -> None:
        self.root = Path(bundle_root).expanduser().absolute()
        if not (self.root / RELEASED).is_file():
            raise OptionError(
                f"bundle '{self.root}' lacks '{RELEASED}', from which its adapter is trained. "
                "Export it by iac export BUNDLE ADAPTER --also training."
            )
        if max_epochs < 1 or steps_per_epoch < 1:
            raise OptionError("max_epochs and steps_per_epoch must be at least 1.")
        self.adapter = adapter
        self.settings = FitSettings(max_epochs * steps_per_epoch, batch_size, rate)
        self.seed = seed
        self.device = torch.device(device)
        self._cases, self._validation = list(cases), list(validation)

    def run(self) -> None:
        """Train, compare, and write ``models/model.pt`` and the adapter.

        Raises:
            DatasetError: if a case is at fault, or there is none.
            AdapterError: if the released weights are not those that the adapter is for.
        """
        if not self._cases:
            raise DatasetError("there is no labelled case to train with: label one.")
        bundle = read_bundle(self.root, device=self.device)
        adapter = load_adapter(self.root / self.adapter)
        site = self._site(bundle, adapter, _as_cases(self._cases))
        print(
            f"Training {adapter.describe()} with {len(site.cases)} case(s), "
            f"{self.settings.steps} steps.",
            flush=True,
        )
        pool = WindowPool(site.cases, site.window, seed=self.seed)
        windows = pool.of(site.cases, self.settings.batch_size)
        fitted = fit_parts(
            site.network, adapter.parts, windows, site.objective, self.settings, seed=self.seed
        )
        fitted = weakened(site.network, adapter.parts, fitted, adapter.strength)
        if self._validation and not self._gains(site, bundle, fitted.network):
            return
        record = {
            "trained_again_with": [case.name for case in site.cases],
            "steps": self.settings.steps,
        }
        changed = replace(
            adapter,
            tensors=fitted.values,
            record=record,
        )
        changed.save(self.root / self.adapter)
        weights = weights_file(bundle.parser, self.root)
        write_weights(weights, fitted.network, like=weights)
        print("The bundle's weights are the new ones.", flush=True)

    def _site(self, bundle: NetworkBundle, adapter: Adapter, cases: Sequence[Case]) -> Site:
        network = _without_adapter(bundle, self.adapter)
        load_weights(network, self.root / RELEASED)
        require_base(network, adapter)
        return Site(
            network.to(self.device).eval(),
            prepare_cases(bundle, cases),
            bundle.class_names,
            bundle.inferer,
            bundle.window,
            classes=adapter.classes or None,
            channels=bundle.channels,
        )

    def _gains(self, site: Site, bundle: NetworkBundle, trained: nn.Module) -> bool:
        """Compare with the weights before on the validation cases."""
        cases = prepare_cases(bundle, _as_cases(self._validation))
        gains = [
            paired_gain(self._score(site, bundle.network, case), self._score(site, trained, case))
            for case in cases
        ]
        gain = sum(gains) / len(gains)
        print(f"Validation: {gain:+.3f} Dice on {len(gains)} case(s).", flush=True)
        if gain < 0:
            print("The weights before are better there, and stay.", flush=True)
        return gain >= 0

    def _score(self, site: Site, network: nn.Module, case: SiteCase) -> tuple[float, ...]:
        found = site.objective.segment(network, case, site.inferer, self.device)
        return tuple(site.objective.score(found, case))


def _without_adapter(bundle: NetworkBundle, adapter: str) -> nn.Module:
    """Build the network that an adapter was made for, which may have others in it."""
    parser = ConfigParser(copy.deepcopy(bundle.parser.get()))
    parse_with_paths(parser)
    key = "network_def" if "network_def" in parser.get() else "network"
    item = parser.get(key)
    inside = isinstance(item, dict) and (
        item.get("_target_") == BUILDER and item.get("adapter") == adapter_reference(adapter)
    )
    return cast(nn.Module, parser.get_parsed_content(f"{key}#network" if inside else key))


def _as_cases(items: Sequence[Item]) -> list[Case]:
    """Read a datalist's items; without a patient, each case is one of its own."""
    cases = []
    for item in items:
        image = item["image"]
        files = [Path(str(file)) for file in (image if isinstance(image, list) else [image])]
        name = str(item.get("case", image_stem(files[0])))
        place = tuple(files) if len(files) > 1 else files[0]
        cases.append(Case(str(item.get("patient", name)), name, place, Path(str(item["label"]))))
    return cases
