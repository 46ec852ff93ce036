"""Two gloo processes on the CPU, started by torchrun as a user starts them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
import torch
from monai.bundle import ConfigWorkflow

from iac_components.phantoms import write_phantom
from tools.maintenance.verification.methods import dints_budgets
from tools.maintenance.verification.methods.iac_budgets import QUICK, STEPS

ROOT = Path(__file__).parents[3]
JOBS = Path(__file__).with_name("jobs.py")
RANKS = 2

Run = tuple[str, Sequence[str], dict[str, object]]
"""Name, config files and options."""

TINY = {"field_of_view": [32, 32, -1], **QUICK.networks["unet"], **STEPS}
SEARCH = QUICK.stages["search"]
THREE_CASES = {
    "num_folds": 2,
    # Three cases for two ranks, from a fold that has more.
    "validate#dataset#data": "$@cases.part('test')[:3]",
}
TOPOLOGY = {
    **dints_budgets.QUICK.stages["search"],
    "epochs": 5,
    "warmup_epochs": 1,
    "val_interval": 5,
    "architecture_learning_rate": 0.1,
    "pruning": True,
    "keep_schedule": [3, 1],
    # Whatever moves is stable, so that something is pruned within these epochs.
    "stability#threshold": 100.0,
    "stability#window": 1,
    "stability#patience": 1,
    "stability#warmup_epochs": 2,
    "stability#min_signal": 0.0,
}
DEATH = {
    "+imports": ["$import os", "$from ignite.engine import Events"],
    # Rank 1 is gone in the middle of epoch 3, after a pruning, without a word.
    "run#1": "$(@train#trainer.add_event_handler(Events.ITERATION_COMPLETED(once=5), "
    "lambda e: os._exit(7) if os.environ['RANK'] == '1' else None), @train#trainer.run())",
}


def launch(*command: str) -> subprocess.CompletedProcess[str]:
    """``torchrun --nproc_per_node 2 command``, on a free port and with a limit of time."""
    environment = {
        **os.environ,
        "OMP_NUM_THREADS": "1",
        "PYTHONPATH": str(ROOT),
        "PYTHONWARNINGS": "ignore",
    }
    torchrun = ["-m", "torch.distributed.run", "--standalone", f"--nproc_per_node={RANKS}"]
    process = subprocess.Popen(
        [sys.executable, *torchrun, *command],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        # The process group itself would let ranks wait for one that died for half an hour.
        output, errors = process.communicate(timeout=600)
    finally:
        # On SIGTERM torchrun ends its workers, which a plain kill would leave behind.
        process.terminate()
        process.wait()
    return subprocess.CompletedProcess(command, process.returncode, output, errors)


@pytest.fixture(scope="session")
def job() -> Callable[[str, Path], list[dict]]:
    """Return a function that does a job of jobs.py on two ranks, and gives their findings."""

    def run(name: str, folder: Path) -> list[dict]:
        done = launch(str(JOBS), name, str(folder))
        assert done.returncode == 0, done.stderr[-4000:]
        return [torch.load(folder / f"rank_{n}.pt", weights_only=True) for n in range(RANKS)]

    return run


@dataclass(frozen=True)
class Killed:
    """A search that lost a rank: where it wrote, and what torchrun said."""

    folder: Path
    done: subprocess.CompletedProcess[str]


@dataclass(frozen=True)
class Runs:
    """Findings of two ranks in the runs of a plan, and the files they wrote."""

    root: Path
    ranks: list[dict]

    def both(self, run: str, item: str) -> list[object]:
        return [findings[run][item] for findings in self.ranks]


@pytest.fixture(scope="session")
def phantom(tmp_path_factory) -> Path:
    """Five patients of two cases each."""
    folder = tmp_path_factory.mktemp("phantom")
    return write_phantom(folder, layout="decathlon", num_patients=5, shape=(20, 24, 16))


def configs(stage: str, *names: str, bundle: str = "hippocampus_unet_iac") -> list[str]:
    """Config files of a bundle, by their names."""
    folder = ROOT / "bundles" / f"{bundle}_segmentation_{stage}" / "configs"
    return [str(folder / f"{name}.json") for name in names]


def options(phantom: Path, output: Path, **others: object) -> dict[str, object]:
    """Settings of seconds, and where a run reads and writes."""
    return {
        **TINY,
        "dataset_dir": str(phantom),
        "output_dir": str(output),
        "folds_file": str(output / "folds.json"),
        **others,
    }


@pytest.fixture(scope="session")
def killed(phantom, tmp_path_factory) -> Killed:
    """The search of ``two_ranks``, from the command line, until it loses a rank."""
    folder = tmp_path_factory.mktemp("killed")
    settings = folder / "settings.json"
    content = options(phantom, folder / "search", **SEARCH, **DEATH)
    settings.write_text(json.dumps(content), encoding="utf-8")
    files = [*configs("search", "search", "multi_gpu_search"), str(settings)]
    command = ("-m", "monai.bundle", "run", "--config_file", str(files), "--logging_file", "False")
    return Killed(folder / "search", launch(*command))


def evaluation(phantom: Path, root: Path, output: Path, *names: str) -> Run:
    """The evaluation of the model in ``root``."""
    cells = {"genotype_path": str(root / "search/genotype.json"), "ckpt_dir": str(root / "models")}
    files = configs("train", "train", "evaluate", *names)
    return "evaluate", files, options(phantom, output, **cells, **THREE_CASES)


@pytest.fixture(scope="session")
def two_ranks(phantom, killed, job, tmp_path_factory) -> Runs:
    """A search, a training with its cells, an evaluation, and the killed search to its end."""
    root = tmp_path_factory.mktemp("two_ranks")
    search = configs("search", "search", "multi_gpu_search")
    training = {
        "genotype_path": str(root / "search/genotype.json"),
        "ckpt_dir": str(root / "models"),
        "epochs": 2,
        "val_interval": 1,
    }
    plan: list[Run] = [
        ("search", search, options(phantom, root / "search", **SEARCH)),
        (
            "train",
            configs("train", "train", "multi_gpu_train"),
            options(phantom, root / "train", **training),
        ),
        evaluation(phantom, root, root / "evaluate", "multi_gpu_evaluate"),
        ("resumed", search, options(phantom, killed.folder, **SEARCH, resume=True)),
        (
            "topology",
            configs("search", "search", "multi_gpu_search", bundle="hippocampus_dints"),
            {
                "dataset_dir": str(phantom),
                "output_dir": str(root / "topology"),
                "folds_file": str(root / "topology" / "folds.json"),
                **TOPOLOGY,
            },
        ),
    ]
    (root / "plan.json").write_text(json.dumps(plan), encoding="utf-8")
    return Runs(root, job("bundles", root))


@pytest.fixture(scope="session")
def evaluate_alone(phantom, two_ranks, tmp_path_factory) -> Path:
    """The same evaluation on one process."""
    folder = tmp_path_factory.mktemp("alone")
    _, files, settings = evaluation(phantom, two_ranks.root, folder)
    workflow = ConfigWorkflow(files, logging_file=False, **settings)
    workflow.initialize()
    workflow.run()
    return folder
