"""The command line in this process, and stages that cost nothing."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import nibabel
import numpy as np
import pytest
import torch

from iac_components.__main__ import main
from iac_components.bundling.rendering.facts import IAC
from iac_components.evaluation import CaseRecord, write_metrics
from iac_components.evaluation.postprocessing.counts import ComponentCounts
from iac_components.evaluation.postprocessing.decision import decide
from iac_components.evaluation.postprocessing.decision_file import (
    COUNTS_NAME,
    write_counts,
    write_decision,
)
from iac_components.interface.running.chain import test_cases
from iac_components.interface.running.stages import Stage
from iac_components.phantoms import write_phantom

SCORING = ("evaluate", "control_scores")


@dataclass(frozen=True)
class Ended:
    """A command that has ended."""

    status: int
    out: str
    err: str


@pytest.fixture
def iac(capsys: pytest.CaptureFixture[str]) -> Callable[..., Ended]:
    """Return a function that runs ``iac`` with these words."""

    def run(*words: object) -> Ended:
        status = main([str(word) for word in words])
        printed = capsys.readouterr()
        return Ended(status, printed.out, printed.err)

    return run


@dataclass
class FakeStages:
    """Stands for ``run_stage``: notes the stages, and leaves what each would leave."""

    ran: list[Stage] = field(default_factory=list)
    fails: str | None = None
    fails_after: int | None = None
    patients: list[str] = field(default_factory=lambda: ["p"])
    dice: list[float] = field(default_factory=lambda: [0.875])
    real_cases: bool = False
    confidence: dict[str, float] = field(default_factory=dict)

    @property
    def names(self) -> list[str]:
        return [stage.name for stage in self.ran]

    def __call__(self, stage: Stage) -> None:
        from iac_components.interface.running.errors import StageError

        self.ran.append(stage)
        if stage.name == self.fails or self.fails_after == len(self.ran) - 1:
            raise StageError(f"Stage '{stage.name}' ended with exit status 3.", 3)
        stage.result.parent.mkdir(parents=True, exist_ok=True)
        if stage.name == "search":
            shutil.copy(IAC / "genotypes" / "hippocampus_unet.json", stage.result)
        elif stage.name in SCORING:
            self._evaluate(stage)
        elif stage.name == "postprocess":
            self._decide(stage)
        elif stage.name == "predict":
            self._predict(stage)
        else:
            stage.result.write_bytes(b"weights")

    @staticmethod
    def _decide(stage: Stage) -> None:
        """Decide by one validation patient: a voxel of the first class lies apart, in vain."""
        maps = (torch.tensor([[1, 1, 2, 0, 1]]), torch.tensor([[1, 1, 2, 0, 0]]))
        classes = ("anterior", "posterior")
        cases = [ComponentCounts.of("v", "v", *maps, class_names=classes)]
        write_counts(stage.result.with_name(COUNTS_NAME), cases)
        write_decision(stage.result, decide(cases, classes), info={})

    def _evaluate(self, stage: Stage) -> None:
        """Score a patient a call, or the cases of the test part."""
        done = sum(ran.name in SCORING for ran in self.ran) - 1
        cases = [(self.patients[done % len(self.patients)],) * 2]
        classes = ["anterior"]
        if self.real_cases:
            tested = test_cases(stage, "decathlon")
            cases = [(str(case["patient"]), str(case["case"])) for case in tested]
            classes.append("posterior")
        dice = self.dice[done % len(self.dice)]
        records = [
            CaseRecord(*case, label, name, dice, 1.5)
            for case in cases
            for label, name in enumerate(classes, start=1)
        ]
        write_metrics(stage.result.parent, records, class_names=classes, info={})

    def _predict(self, stage: Stage) -> None:
        """Give every image its own label map: the perfect network."""
        stage.result.mkdir(exist_ok=True)
        for image in Path(str(stage.options["dataset_dir"])).iterdir():
            source = image.resolve()
            label = source.parent.parent / "labelsTr" / source.name
            target = stage.result / image.name.replace(".nii", "_seg.nii")
            shutil.copy(label, target)
            if stage.options.get("save_probabilities"):
                self._save_probabilities(target, stage.result.parent.name)

    def _save_probabilities(self, label_map: Path, network: str) -> None:
        """Give the right class the network's confidence; what is left goes to the background."""
        sure = self.confidence[network]
        voxels = np.asarray(nibabel.load(label_map).dataobj)
        # Classes by their order, whatever their values in the data set.
        right = np.eye(3)[np.searchsorted(np.unique(voxels), voxels)]
        values = sure * np.moveaxis(right, -1, 0)
        values[0] += 1 - sure
        np.savez(str(label_map).replace(".nii.gz", ".npz"), probabilities=values)


@pytest.fixture
def stages(monkeypatch: pytest.MonkeyPatch) -> FakeStages:
    fake = FakeStages()
    monkeypatch.setattr("iac_components.interface.running.chain.run_stage", fake)
    monkeypatch.setattr("iac_components.interface.commands.evaluate.run_stage", fake)
    return fake


@pytest.fixture(scope="session")
def small_hippocampus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Five patients, two sides each."""
    folder = tmp_path_factory.mktemp("hippocampus")
    write_phantom(folder, layout="decathlon", num_patients=5, shape=(20, 24, 16))
    return folder


@pytest.fixture
def run(
    iac: Callable[..., Ended],
    stages: FakeStages,
    small_hippocampus: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Callable[..., Ended]:
    """Return a function that runs ``iac run`` on the small data set, into ``out`` of the test."""
    _ = stages
    monkeypatch.chdir(tmp_path)

    def call(*words: str, stem: str = "hippocampus_unet", data: Path = small_hippocampus) -> Ended:
        return iac("run", stem, data, "--output_dir", "out", *words)

    return call
