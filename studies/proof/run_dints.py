"""Measure what the DiNTS search gives on a data set: pruning, budgets, topology loss, controls.

Runs, by the bundles' own configs: the searches of ``SEARCHES``; each one's discretization gap (the
supernet against its discrete network with the same weights, on the validation fold); then every
found architecture, a random one of the same budget, the U-shaped stand-in and a DynUNet, each
trained from scratch with the same steps and evaluated on the test fold with its final weights:
nothing is selected there. Existing results are kept, so a stopped run resumes where it was.
``studies.proof.write_dints`` makes the tables.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
from collections.abc import Mapping
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import cast

import monai.bundle
import torch

from iac_components.bundling.rendering.facts import BUNDLES, DINTS
from iac_components.common.files import write_json
from iac_components.dints import (
    DintsSearchNetwork,
    MemoryBudget,
    MemoryModel,
    load_architecture,
    save_architecture,
)
from studies.search_cost.dints.memory import OUT_CHANNELS, measure

SEARCHES: dict[str, dict[str, object]] = {
    "full": {},
    "pruned": {"pruning": True},
    "no_topology": {"topology_weight": 0.0},
    "strong_topology": {"topology_weight": 0.05},
    "small": {"memory_fraction": 0.35},
    "large": {"memory_fraction": 0.7},
}
"""Each differs from ``full`` in one thing; ``--memory_fraction`` is full's."""

CONTROLS = ("random", "stand_in", "dynunet")

DYNUNET = {
    "_target_": "DynUNet",
    "spatial_dims": 3,
    "in_channels": "@in_channels",
    "out_channels": "@out_channels",
    "kernel_size": [3, 3, 3, 3],
    "strides": [1, 2, 2, 2],
    "upsample_kernel_size": [2, 2, 2],
    "filters": [16, 32, 64, 128],
    "res_block": False,
}
"""Four resolutions of a plain nnU-Net-like U-Net, from full size down to an eighth."""


class DintsProof:
    """One data set's experiment below one folder."""

    def __init__(self, arguments: argparse.Namespace) -> None:
        self.arguments = arguments
        self.root: Path = arguments.output_dir.absolute()
        prefix = f"{arguments.task}_dints_segmentation"
        self.search_config = BUNDLES / f"{prefix}_search" / "configs" / "search.json"
        self.train_configs = BUNDLES / f"{prefix}_train" / "configs"
        self.common = {
            "dataset_dir": str(arguments.dataset_dir.absolute()),
            "folds_file": str(self.root / "folds.json"),
            "fold": arguments.fold,
        }

    def search_options(self, name: str) -> dict[str, object]:
        """Keys of the search config."""
        arguments = self.arguments
        return {
            **self.common,
            "epochs": arguments.search_epochs,
            "warmup_epochs": arguments.warmup_epochs,
            "steps_per_epoch": arguments.search_steps,
            "val_interval": arguments.val_interval,
            "batch_size": arguments.search_batch_size,
            "architecture_learning_rate": arguments.architecture_learning_rate,
            "memory_fraction": arguments.memory_fraction,
            **SEARCHES[name],
        }

    def search(self, name: str) -> None:
        """Search, unless that was done before."""
        folder = self.root / name
        if (folder / "architecture_last.json").exists():
            return
        monai.bundle.run(
            config_file=str(self.search_config),
            **self.search_options(name),
            output_dir=str(folder),
            resume=True,
        )

    def gap(self, name: str) -> None:
        """Dice of the supernet after the search, and of the discrete network it decodes to."""
        path = self.root / name / "gap.json"
        if path.exists():
            return
        workflow = monai.bundle.ConfigWorkflow(
            config_file=str(self.search_config),
            workflow_type="train",
            **self.search_options(name),
            **{"output_dir": str(self.root / name), "resume": True, "validate#handlers": []},
        )
        workflow.initialize()
        trainer, evaluator, network, budget = (
            workflow.parser.get_parsed_content(key)
            for key in ("train#trainer", "validate#evaluator", "network_def", "budget")
        )
        # Everything has run: this loads the last checkpoint and ends.
        trainer.run()
        discrete = network.inherited(network.decode(budget))
        scores = {}
        for key, judged in (("supernet_dice", network), ("discrete_dice", discrete)):
            evaluator.network = judged
            evaluator.run()
            scores[key] = float(evaluator.state.metrics["val_mean_dice"])
        write_json(path, scores)

    def architecture(self, arm: str, seed: int) -> Path:
        """Return the file of an arm's architecture."""
        if arm == "stand_in":
            own = DINTS / "stand_ins" / f"{self.arguments.task}.json"
            return own if own.exists() else DINTS / "stand_ins" / "default.json"
        if arm != "random":
            return self.root / arm / "architecture.json"
        path = self.root / "random" / f"architecture_seed{seed}.json"
        full = load_architecture(self.root / "full" / "architecture.json")
        memory = cast(Mapping[str, list[int]], full.provenance["memory"])
        torch.manual_seed(seed)
        network = DintsSearchNetwork(
            full.space, in_channels=memory["input_shape"][1], out_channels=OUT_CHANNELS
        )
        for parameter in network.architecture_parameters():
            torch.nn.init.normal_(parameter)
        model = MemoryModel(network, input_shape=memory["input_shape"])
        budget = MemoryBudget(model, fraction=self.arguments.memory_fraction)
        drawn = network.decode(budget).noting(kind="random", seed=seed)
        save_architecture(drawn, path)
        return path

    def train(self, arm: str, seed: int) -> None:
        """Train one network and evaluate its final weights, unless that was done before."""
        folder = self.root / "scratch" / arm / f"seed{seed}"
        if (folder / "eval" / "metrics.json").exists():
            return
        arguments = self.arguments
        epochs = max(1, round(arguments.steps / arguments.steps_per_epoch))
        shared: dict[str, object] = {**self.common, "seed": seed, "ckpt_dir": str(folder)}
        if arm == "dynunet":
            shared["network"] = DYNUNET
        else:
            shared["architecture_path"] = str(self.architecture(arm, seed))
        config = str(self.train_configs / "train.json")
        monai.bundle.run(
            config_file=config,
            **shared,
            output_dir=str(folder),
            batch_size=arguments.batch_size,
            epochs=epochs,
            steps_per_epoch=arguments.steps_per_epoch,
            val_interval=epochs,
            resume=True,
        )
        monai.bundle.run(
            config_file=[config, str(self.train_configs / "evaluate.json")],
            **shared,
            output_dir=str(folder / "eval"),
            checkpoint=str(folder / "model_final.pt"),
        )

    def memory(self, arm: str) -> None:
        """Peak memory of a training step of an architecture, in a process of its own."""
        path = self.root / arm / "memory.json"
        if path.exists():
            return
        # A peak belongs to a process: a new interpreter for each.
        with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
            architecture = str(self.architecture(arm, 0))
            record = pool.submit(measure, architecture, self.arguments.memory_shape).result()
        write_json(path, record)

    def run(self) -> None:
        """Run whatever has not been run."""
        for name in self.arguments.searches:
            self.search(name)
            self.gap(name)
            self.memory(name)
        for seed in self.arguments.seeds:
            for arm in (*self.arguments.searches, *self.arguments.controls):
                self.train(arm, seed)


def main() -> None:
    """Parse the arguments and run."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--task", default="hippocampus", help="one of the ten tasks")
    parser.add_argument("--dataset_dir", type=Path, required=True)
    parser.add_argument("--output_dir", type=Path, required=True)
    parser.add_argument("--fold", type=int, default=0)
    parser.add_argument("--seeds", type=int, nargs="*", default=[0])
    parser.add_argument("--search_epochs", type=int, default=60)
    parser.add_argument("--warmup_epochs", type=int, default=12)
    parser.add_argument("--search_steps", type=int, default=8, help="steps of an epoch")
    parser.add_argument("--search_batch_size", type=int, default=2)
    parser.add_argument("--val_interval", type=int, default=20)
    parser.add_argument("--architecture_learning_rate", type=float, default=0.02)
    parser.add_argument("--memory_fraction", type=float, default=0.5)
    parser.add_argument("--steps", type=int, default=600, help="of each training from scratch")
    parser.add_argument("--steps_per_epoch", type=int, default=30)
    parser.add_argument("--batch_size", type=int, default=4)
    parser.add_argument(
        "--memory_shape",
        type=int,
        nargs="+",
        default=[8, 1, 32, 48, 32],
        help="(B, C, X, Y, Z) of the steps whose memory is measured",
    )
    parser.add_argument("--searches", nargs="*", default=list(SEARCHES), choices=SEARCHES)
    parser.add_argument("--controls", nargs="*", default=list(CONTROLS), choices=CONTROLS)
    arguments = parser.parse_args()
    # Which runs there are shows in the folders, which several calls may have filled.
    chosen = ("searches", "controls", "seeds")
    settings = {
        key: value
        for key, value in vars(arguments).items()
        if key not in chosen and not isinstance(value, Path)
    }
    settings["threads"] = os.environ.get("OMP_NUM_THREADS", "all")
    arguments.output_dir.mkdir(parents=True, exist_ok=True)
    (arguments.output_dir / "proof_settings.json").write_text(
        json.dumps(settings, indent=2) + "\n", encoding="utf-8"
    )
    DintsProof(arguments).run()


if __name__ == "__main__":
    main()
