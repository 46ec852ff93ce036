"""Stages of a combination one after the other, each passing its result to the next."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from torch import Tensor

from iac_components.common.files.tensor_files import write_tensors
from iac_components.evaluation.postprocessing.decision_file import DECISION_NAME
from iac_components.networks import load_weights
from tools.maintenance.verification.bundle import Bundle
from tools.maintenance.verification.checks.registry import Skipped, StageError, first_line
from tools.maintenance.verification.lively import make_lively

if TYPE_CHECKING:
    from tools.maintenance.verification.workbench import Workbench

__all__ = ["Chain"]


class Chain(ABC):
    """Search, training of the found network, evaluation, inference.

    Each method runs its stage on first use, and those before it, and returns the stage's folder.
    A stage that failed raises its error once, and :class:`Skipped` from then on.

    Evaluation and inference get the trained weights with the last layer's bias shifted until all
    classes appear: two steps of training show one class, and any two runs would agree on that.

    Attributes:
        outputs: what each stage leaves in its folder, patterns included.
    """

    outputs: ClassVar[Mapping[str, Sequence[str]]]

    def __init__(self, bundle: Bundle, workbench: Workbench, folder: Path) -> None:
        self.search_bundle = bundle.sibling("search")
        self.train_bundle = bundle.sibling("train")
        self.inference_bundle = bundle.sibling("inference")
        self.workbench = workbench
        self.folder = folder
        self.folds_file = folder / "folds.json"
        self._done: dict[str, BaseException | None] = {}

    @property
    def architecture(self) -> Path:
        """File of the search's result."""
        return self.folder / "search" / self.search_bundle.method.architecture_file

    @property
    def lively_weights(self) -> Path:
        """Checkpoint of evaluation and inference."""
        return self.folder / "lively" / "model.pt"

    @abstractmethod
    def search(self) -> Path:
        """Search."""

    @abstractmethod
    def trained(self) -> Path:
        """Train the found network."""

    @abstractmethod
    def training_stages(self) -> Iterator[Path]:
        """Run the stages of the train bundle; yield their folders."""

    @abstractmethod
    def search_faults(self) -> Iterator[str]:
        """Yield the faults of the search's result."""

    @abstractmethod
    def training_faults(self) -> Iterator[str]:
        """Yield the faults of the trained network."""

    @abstractmethod
    def network_input(self, image: Tensor) -> Tensor:
        """Make a batch that the network takes, of a preprocessed volume (C, X, Y, Z)."""

    def lively(self) -> Path:
        """Write the trained weights with a bias that lets all classes appear."""

        def run() -> None:
            trained = self.trained() / "models" / "model.pt"
            options = {**self.workbench.options(self.inference_bundle), **self.found()}
            settings = {**options, "initialize": []}
            workflow = self.workbench.workflow(self.inference_bundle, settings)
            workflow.initialize()
            network = workflow.parser.get_parsed_content("network_def").cpu()
            load_weights(network, trained)
            image = workflow.parser.get_parsed_content("dataset")[0]["image"]
            make_lively(network, self.network_input(image))
            write_tensors(self.lively_weights, {"model": network.state_dict()})

        return self._once("lively", run)

    def postprocessing(self) -> Path:
        """Decide on the validation cases which components are kept."""

        def run() -> None:
            options = {**self.found(), "ckpt_dir": str(self.lively())}
            self._run("postprocessing", self.train_bundle, options, "evaluate", "postprocess")

        return self._once("postprocessing", run)

    def decided(self) -> dict[str, object]:
        """Return the option that leads to what was decided."""
        return {"postprocessing_file": str(self.postprocessing() / DECISION_NAME)}

    def evaluation(self) -> Path:
        """Evaluate on the test cases; the checkpoint is found in ``ckpt_dir``."""

        def run() -> None:
            options = {**self.found(), **self.decided(), "ckpt_dir": str(self.lively())}
            self._run("evaluation", self.train_bundle, options, "evaluate")

        return self._once("evaluation", run)

    def predictions(self) -> Path:
        """Segment the images of the test cases."""

        def run() -> None:
            self.lively()
            weights = {"checkpoint": str(self.lively_weights)}
            options = {**self.found(), **self.decided(), **weights}
            self._run("predictions", self.inference_bundle, options)

        return self._once("predictions", run)

    def found(self) -> dict[str, object]:
        """Return the option that leads to the search's result."""
        return {self.search_bundle.method.architecture_option: str(self.architecture)}

    def _models(self, name: str) -> dict[str, object]:
        return {"ckpt_dir": str(self.folder / name / "models")}

    def _run(
        self, name: str, bundle: Bundle, options: Mapping[str, object], *overrides: str
    ) -> None:
        workbench = self.workbench
        settings = {**workbench.options(bundle), "output_dir": str(self.folder / name)}
        if bundle.stage != "inference":
            settings["folds_file"] = str(self.folds_file)
        configs: Sequence[Path] = [bundle.config_path(part) for part in (bundle.stage, *overrides)]
        workbench.runner.run(configs, {**settings, **options}, workbench.elsewhere)
        left = [path.name for path in workbench.elsewhere.iterdir()]
        if left:
            raise ValueError(f"the working directory is no place for {left}")

    def _once(self, name: str, run: Callable[[], None]) -> Path:
        if name not in self._done:
            try:
                run()
            except (Skipped, StageError):
                raise
            except Exception as error:
                self._done[name] = error
                raise StageError(f"stage '{name}': {first_line(error)}") from None
            self._done[name] = None
        if self._done[name] is not None:
            raise Skipped(f"stage '{name}' failed before")
        return self.folder / name
