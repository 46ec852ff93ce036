"""Measure what a found cell is worth on a data set, with controls on equal budgets.

Runs, by the bundles' own configs: a plain backbone; the searches on that frozen backbone, with
pruning and at full length; then, for every seed, two protocols whose arms differ in one thing.

* ``scratch``: plain backbone, found cell, random genotype, genotype of the full-length search, and
  the other skip modules in the cell's place.
* ``implanted``: the same number of further steps of the trained backbone, spent on training it on,
  the found cell frozen or with everything trained, a random genotype frozen.

Final weights are evaluated on the test fold: nothing is selected on it. What exists is not run
again, so a stopped run resumes where it was. ``studies.proof.write`` and
``studies.proof.write_collection`` make the tables.
"""

from __future__ import annotations

import argparse
import json
import os
from pathlib import Path

import monai.bundle

from iac_components.search_space import load_genotype, random_genotype, save_genotype
from studies.measuring.records import json_object
from studies.measuring.training import BundleTraining, final_model

BUNDLES = Path(__file__).parents[2] / "bundles"
OTHER_SKIP_MODULES = ("attention", "residual_path", "nested")
SCRATCH = ("plain", "found", "random", *OTHER_SKIP_MODULES, "full_length")
IMPLANTED = ("continued", "found_frozen", "found_all", "random_frozen")
SEARCHES = {"search_pruned": True, "search_full": False}


class Proof:
    """One data set's experiment below one folder."""

    def __init__(self, arguments: argparse.Namespace) -> None:
        self.arguments = arguments
        self.root: Path = arguments.output_dir.absolute()
        prefix = BUNDLES / f"{arguments.bundle}_iac_segmentation"
        self.search_configs = Path(f"{prefix}_search") / "configs"
        self.common = {
            "dataset_dir": str(arguments.dataset_dir.absolute()),
            "folds_file": str(self.root / "folds.json"),
            "fold": arguments.fold,
            **arguments.network,
        }
        self.training = BundleTraining(
            Path(f"{prefix}_train") / "configs", self.common, arguments.steps_per_epoch
        )

    def train(self, name: str, *, steps: int, **options: object) -> None:
        """Train one network and evaluate its final weights, unless that was done before."""
        self.training.run(self.root / name, steps=steps, options=options)

    def search(self, name: str, *, pruning: bool) -> None:
        """Search on the frozen trained backbone, unless that was done before."""
        folder = self.root / name
        if (folder / "top_k.json").exists():
            return
        monai.bundle.run(
            config_file=str(self.search_configs / "search.json"),
            **self.common,
            output_dir=str(folder),
            backbone_ckpt=str(self.backbone),
            pruning=pruning,
            resume=True,
            **self.arguments.search,
        )

    @property
    def backbone(self) -> Path:
        """The trained plain backbone."""
        return final_model(self.root / "base")

    def random(self, seed: int) -> Path:
        """Draw a random genotype of the searched space, another one for each seed."""
        path = self.root / "random" / f"genotype_seed{seed}.json"
        space = load_genotype(self.root / "search_pruned" / "genotype.json").search_space
        save_genotype(random_genotype(space, seed), path)
        return path

    def skip_module(self, arm: str, seed: int) -> dict[str, str]:
        """Return the options for an arm's skip connections."""
        if arm in OTHER_SKIP_MODULES:
            return {"skip_module": arm}
        if arm in ("plain", "continued"):
            return {"skip_module": "plain"}
        genotypes = {
            "found": self.root / "search_pruned" / "genotype.json",
            "full": self.root / "search_full" / "genotype.json",
        }
        kind = arm.partition("_")[0]
        path = self.random(seed) if kind == "random" else genotypes[kind]
        return {"skip_module": "iac", "genotype_path": str(path)}

    def run(self) -> None:
        """Run whatever has not been run."""
        arguments = self.arguments
        self.train("base", steps=arguments.base_steps)
        for name in arguments.searches:
            self.search(name, pruning=SEARCHES[name])
        for seed in arguments.seeds:
            for arm in arguments.scratch:
                self.train(
                    f"scratch/{arm}/seed{seed}",
                    steps=arguments.scratch_steps,
                    seed=seed,
                    **self.skip_module(arm, seed),
                )
            for arm in arguments.implanted:
                self.train(
                    f"implanted/{arm}/seed{seed}",
                    steps=arguments.implanted_steps,
                    seed=seed,
                    backbone_ckpt=str(self.backbone),
                    frozen_backbone=arm.endswith("frozen"),
                    **self.skip_module(arm, seed),
                )


def main() -> None:
    """Parse the arguments and run."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bundle", required=True, help="for instance hippocampus_unet")
    parser.add_argument("--dataset_dir", type=Path, required=True)
    parser.add_argument("--output_dir", type=Path, required=True)
    parser.add_argument("--fold", type=int, default=0)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--steps_per_epoch", type=int, default=30)
    parser.add_argument("--base_steps", type=int, default=1200)
    parser.add_argument("--scratch_steps", type=int, default=600)
    parser.add_argument("--implanted_steps", type=int, default=300)
    parser.add_argument(
        "--searches", nargs="*", default=list(SEARCHES), choices=SEARCHES, metavar="NAME"
    )
    parser.add_argument("--scratch", nargs="*", default=list(SCRATCH), choices=SCRATCH)
    parser.add_argument("--implanted", nargs="*", default=list(IMPLANTED), choices=IMPLANTED)
    parser.add_argument(
        "--network", type=json_object, default={}, help='other keys of the configs: {"key": value}'
    )
    parser.add_argument("--search", type=json_object, default={}, help="other keys of the search")
    arguments = parser.parse_args()
    settings = {
        k: v if isinstance(v, (int, list, dict)) else str(v) for k, v in vars(arguments).items()
    }
    settings.pop("dataset_dir")
    settings.pop("output_dir")
    arguments.output_dir.mkdir(parents=True, exist_ok=True)
    settings["threads"] = os.environ.get("OMP_NUM_THREADS", "all")
    text = json.dumps(settings, indent=2) + "\n"
    (arguments.output_dir / "proof_settings.json").write_text(text, encoding="utf-8")
    Proof(arguments).run()


if __name__ == "__main__":
    main()
