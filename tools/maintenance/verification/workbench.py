"""Workbench for short runs of bundles: phantoms, scratch folders, budgets, a runner."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, cast

from monai.bundle import ConfigWorkflow
from torch import nn

from iac_components.data import load_datalist
from iac_components.phantoms import write_phantom
from tools.maintenance.verification.budgets import Budget, Phantom
from tools.maintenance.verification.bundle import Bundle
from tools.maintenance.verification.checks.registry import Skipped
from tools.maintenance.verification.runners import Runner, ThisProcess

if TYPE_CHECKING:
    from tools.maintenance.verification.chain import Chain

__all__ = ["ROOT", "Workbench"]

ROOT = Path(__file__).parents[3]
"""The repository."""

Entry = Mapping[str, str | list[str]]


@dataclass(frozen=True)
class Workbench:
    """Folders for runs of bundles, and the size of the runs.

    Attributes:
        scratch: a folder of its own for phantoms and outputs.
        budget: how small a run is, the name of a budget of every method.
        runner: how a bundle is run.
        schema: MONAI's schema of metadata, if it is at hand.
    """

    scratch: Path
    budget: str = "quick"
    runner: Runner = field(default_factory=ThisProcess)
    schema: Path | None = None
    licence: Path = ROOT / "LICENSE"
    requirements: Path = ROOT / "requirements.txt"
    _chains: dict[str, Chain] = field(default_factory=dict)
    _exported: dict[str, set[str]] = field(default_factory=dict)

    @cached_property
    def elsewhere(self) -> Path:
        """The working directory of every run; nothing may be left in it."""
        return self._folder("elsewhere")

    def phantom_of(self, bundle: Bundle) -> Phantom:
        """Return the plan of the bundle's synthetic data.

        Raises:
            Skipped: if there is none.
        """
        phantoms = bundle.method.phantoms
        if bundle.dataset not in phantoms:
            raise Skipped(f"there is no phantom of the data set '{bundle.dataset}'")
        return phantoms[bundle.dataset]

    def budget_of(self, bundle: Bundle) -> Budget:
        """Return the settings that make a run of the bundle short."""
        return bundle.method.budgets[self.budget]

    def dataset_dir(self, bundle: Bundle) -> Path:
        """Return the bundle's synthetic data set, written on first use."""
        plan = self.phantom_of(bundle)
        folder = self.scratch / "phantoms" / bundle.method.name / bundle.dataset
        if not folder.exists():
            write_phantom(
                folder,
                layout=plan.layout,
                num_patients=plan.num_patients,
                shape=plan.shape,
                spacing=plan.spacing,
            )
        return folder

    def cases(self, bundle: Bundle, folds_file: Path | None = None) -> list[Entry]:
        """List the test cases of the synthetic data set."""
        layout = str(bundle.sibling("train").config()["layout"])
        found: list[Entry] = list(
            load_datalist(
                self.dataset_dir(bundle), layout=layout, part="test", folds_file=folds_file
            )
        )
        return found

    def images(self, bundle: Bundle) -> Path:
        """Return a folder with the images of the test cases, as inference takes it."""
        folder = self.scratch / "images" / bundle.method.name / bundle.dataset
        if folder.exists():
            return folder
        folder.mkdir(parents=True)
        for entry in self.cases(bundle):
            image = entry["image"]
            if isinstance(image, str):
                (folder / f"{entry['case']}.nii.gz").symlink_to(image)
            else:
                for file in image:
                    (folder / Path(file).name).symlink_to(file)
        return folder

    def options(self, bundle: Bundle) -> dict[str, object]:
        """Return the options that make a run of the bundle short and lead to its data."""
        small = self.budget_of(bundle).options(bundle.stage, bundle.network)
        infers = bundle.stage == "inference"
        return {
            "dataset_dir": str(self.images(bundle) if infers else self.dataset_dir(bundle)),
            # How training sees a phantom: inference has no such options.
            **({} if infers else self.phantom_of(bundle).options),
            **small,
        }

    def workflow(
        self,
        bundle: Bundle,
        options: Mapping[str, object],
        *overrides: str,
        kind: str | None = None,
    ) -> ConfigWorkflow:
        """Return the workflow of a config with override files, not initialized."""
        configs = [str(bundle.config_path(name)) for name in (bundle.stage, *overrides)]
        return ConfigWorkflow(
            configs,
            logging_file=False,
            workflow_type=kind,
            **options,
        )

    def network(self, bundle: Bundle, **options: object) -> nn.Module:
        """Build the network of the bundle's config without the options of a run."""
        settings = {"bundle_root": str(bundle.root), "initialize": [], **options}
        workflow = self.workflow(bundle, settings)
        workflow.initialize()
        return cast(nn.Module, workflow.parser.get_parsed_content("network_def"))

    def chain(self, bundle: Bundle) -> Chain:
        """Run the stages of the bundle's combination once."""
        key = str(bundle.sibling("train").root)
        if key not in self._chains:
            folder = self._folder(f"chain_{bundle.combination}_{len(self._chains)}")
            self._chains[key] = bundle.method.make_chain(bundle, self, folder)
        return self._chains[key]

    def _folder(self, name: str) -> Path:
        folder = self.scratch / name
        folder.mkdir(parents=True)
        return folder

    def may_export(self, bundle: Bundle) -> bool:
        """Return whether the budget leaves an export for this bundle, and take it."""
        taken = self._exported.setdefault(bundle.network, set())
        most = self.budget_of(bundle).exports
        if most is None or len(taken) < most:
            taken.add(bundle.name)
        return bundle.name in taken
