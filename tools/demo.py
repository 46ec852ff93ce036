"""Watch a cell being searched, pruned, trained and used, by plain ``monai.bundle run`` commands.

Without arguments on a small synthetic data set in ACDC's layout; with ``--dataset_dir`` on real
data. ``--bundle hippocampus_dints`` searches a whole 3-D network instead. Every command is printed
before it runs, so that it can be copied.
"""

from __future__ import annotations

import argparse
import json
import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from bundle_methods import DintsCombination, all_combinations
from rendering import Combination
from verification.method import METHODS

from iac_components.data import load_datalist
from iac_components.data.case import DatalistEntry, entry_files, nifti_stem
from iac_components.phantoms import write_phantom
from iac_components.visualization import write_overlay

ROOT = Path(__file__).parent.parent
COMBINATIONS = {combination.results_name: combination for combination in all_combinations()}
"""What ``--bundle`` takes."""

# Small enough for two cores and a few minutes; the bundles' own defaults are for real use.
BACKBONE = {"epochs": 10, "steps_per_epoch": 30, "val_interval": 10}
SEARCH = {"epochs": 60, "steps_per_epoch": 4, "batch_size": 4, "warmup_epochs": 2}
SEARCH_RATE = {"architecture_learning_rate": 0.1}
TRAIN = {"epochs": 6, "steps_per_epoch": 30, "val_interval": 6}
PATCH = {"patch_size": [32, 48, 32]}
TOPOLOGY_SEARCH = {
    **{"num_blocks": 6, "num_depths": 3, "channel_mul": 0.25, "memory_fraction": 0.5},
    **{"epochs": 24, "steps_per_epoch": 8, "batch_size": 2, "warmup_epochs": 6},
    **{"architecture_learning_rate": 0.04, "val_interval": 24, "pruning": True},
}
TOPOLOGY_TRAIN = {"epochs": 6, "steps_per_epoch": 60, "batch_size": 4, "val_interval": 6}


def run_bundle(configs: list[Path], **options: object) -> None:
    """Print a ``monai.bundle run`` command, then run it; end the demo if it fails."""
    names = [str(config.relative_to(ROOT)) for config in configs]
    config_file = names[0] if len(names) == 1 else str(names)
    arguments = ["-m", "monai.bundle", "run", "--config_file", config_file]
    for key, value in options.items():
        arguments += [f"--{key}", str(value)]
    print(f"\n$ {shlex.join(['python', *arguments])}\n", flush=True)
    # MONAI says of every config that it runs what stands in it; all else is to be seen.
    environment = {"PYTHONWARNINGS": "ignore:parsing config_file", **os.environ}
    done = subprocess.run([sys.executable, *arguments], cwd=ROOT, env=environment, check=False)  # noqa: S603
    if done.returncode:
        sys.exit(f"The command above failed with exit status {done.returncode}.")


def print_metrics(path: Path) -> None:
    """Print the summary of a ``metrics.json`` as a table."""
    summary = json.loads(path.read_text(encoding="utf-8"))["summary"]
    print(f"\n{'class':<20}{'Dice':>8}{'HD95 mm':>10}   (means over test patients)")
    for name, dice in {**summary["dice"]["classes"], "all": summary["dice"]["mean"]}.items():
        distance = summary["hd95"]["classes"].get(name, summary["hd95"]["mean"])
        print(f"{name:<20}{dice['mean']:>8.3f}{distance['mean']:>10.2f}")


def copy_test_images(cases: Sequence[DatalistEntry], folder: Path) -> None:
    """Copy the images of the test cases, and nothing else, into ``folder``."""
    folder.mkdir(parents=True, exist_ok=True)
    for case in cases:
        for image in entry_files(case, "image"):
            shutil.copy(image, folder)


@dataclass(frozen=True)
class Found:
    """What a search and its training leave for evaluation and use.

    Attributes:
        search: file of what was found.
        options: for every later stage that builds the network.
        pictures: of the search, by what they show.
    """

    search: Path
    options: dict[str, object]
    pictures: dict[str, Path]


@dataclass(frozen=True)
class Demo:
    """Where the demo reads and writes."""

    combination: Combination
    out: Path
    common: dict[str, object]

    def config(self, stage: str, name: str | None = None) -> Path:
        """A config file of a bundle."""
        return self.combination.root(stage) / "configs" / f"{name or stage}.json"

    def models(self, name: str) -> dict[str, object]:
        """The options that put a run and its weights into a folder."""
        return {"output_dir": self.out / name, "ckpt_dir": self.out / name / "models"}


def find_cell(demo: Demo) -> Found:
    """Train a backbone, search a cell for it, implant it and train on."""
    print("\n1/5  Train the plain backbone.")
    plain = {**demo.common, **demo.models("backbone"), "skip_module": "plain"}
    run_bundle([demo.config("train")], **plain, **BACKBONE)
    backbone = demo.out / "backbone" / "models" / "model.pt"
    print("\n2/5  Search a cell for its skip connections, the backbone frozen.")
    folder = demo.out / "search"
    run_bundle(
        [demo.config("search")],
        **demo.common,
        output_dir=folder,
        backbone_ckpt=backbone,
        **SEARCH,
        **SEARCH_RATE,
    )
    print("\n3/5  Implant the found cell into the trained backbone and train on.")
    options: dict[str, object] = {"genotype_path": folder / "genotype.json"}
    training = {**demo.common, **options, **demo.models("train"), "backbone_ckpt": backbone}
    run_bundle([demo.config("train")], **training, **TRAIN)
    names = ("cell", "probability_curves", "divergence_curves")
    pictures = {name.replace("_", " "): folder / f"{name}.png" for name in names}
    return Found(folder / "genotype.json", options, pictures)


def find_topology(demo: Demo) -> Found:
    """Search a 3-D network under a memory budget, and train it from scratch."""
    print("\n1/4  Search the topology of a 3-D network, pruning what has settled.")
    folder = demo.out / "search"
    run_bundle(
        [demo.config("search")], **demo.common, output_dir=folder, **PATCH, **TOPOLOGY_SEARCH
    )
    print("\n2/4  Train the found network from scratch.")
    options: dict[str, object] = {"architecture_path": folder / "architecture.json", **PATCH}
    training = {**demo.common, **options, **demo.models("train")}
    run_bundle([demo.config("train")], **training, **TOPOLOGY_TRAIN)
    names = ("topology", "path_probabilities", "entropies", "expected_memory")
    pictures = {name.replace("_", " "): folder / f"{name}.png" for name in names}
    return Found(folder / "architecture.json", options, pictures)


def use(demo: Demo, found: Found, *, facts: dict[str, object], stages: tuple[str, str]) -> None:
    """Evaluate, segment the test images, and draw one."""
    print(f"\n{stages[0]}  Evaluate on patients never trained or searched on.")
    weights = {"ckpt_dir": demo.out / "train" / "models"}
    run_bundle(
        [demo.config("train"), demo.config("train", "evaluate")],
        **demo.common,
        **found.options,
        **weights,
        output_dir=demo.out / "evaluate",
    )
    print(f"\n{stages[1]}  Write label maps of the test images.")
    cases = load_datalist(
        str(demo.common["dataset_dir"]),
        layout=str(facts["layout"]),
        part="test",
        folds_file=str(demo.common["folds_file"]),
    )
    copy_test_images(cases, demo.out / "images")
    run_bundle(
        [demo.config("inference")],
        dataset_dir=demo.out / "images",
        output_dir=demo.out / "predictions",
        checkpoint=demo.out / "train" / "models" / "model.pt",
        **found.options,
    )
    image, label = (entry_files(cases[0], key)[0] for key in ("image", "label"))
    write_overlay(
        image,
        demo.out / "predictions" / f"{nifti_stem(image)}_seg.nii.gz",
        demo.out / "overlay.png",
        label_path=label,
        class_names=cast(list[str], facts["class_names"]),
    )


def main() -> None:
    """Run the demo."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--bundle",
        default="acdc_unet",
        choices=COMBINATIONS,
        metavar="NAME",
        help="for instance acdc_resnet or hippocampus_dints",
    )
    parser.add_argument("--dataset_dir", type=Path, help="real data in its official layout")
    parser.add_argument("--output_dir", type=Path, default=ROOT / "demo_output")
    arguments = parser.parse_args()
    out = arguments.output_dir.absolute()
    combination = COMBINATIONS[arguments.bundle]
    topology = isinstance(combination, DintsCombination)
    data = arguments.dataset_dir and arguments.dataset_dir.absolute()
    common = {"dataset_dir": data or out / "phantom", "folds_file": out / "folds.json"}
    demo = Demo(combination, out, common)
    facts = json.loads(demo.config("train").read_text(encoding="utf-8"))
    if data is None:
        shutil.rmtree(out / "phantom", ignore_errors=True)
        name = METHODS.require(combination.method).phantoms[facts["dataset_name"]].layout
        write_phantom(out / "phantom", layout=name, num_patients=10)
        print(f"Wrote a synthetic data set like '{name}' to {out / 'phantom'}.")
    found = find_topology(demo) if topology else find_cell(demo)
    use(demo, found, facts=facts, stages=("3/4", "4/4") if topology else ("4/5", "5/5"))
    print_metrics(out / "evaluate" / "metrics.json")
    for what, path in (
        (found.search.stem, found.search),
        *found.pictures.items(),
        ("metrics table", out / "evaluate" / "metrics.csv"),
        ("label maps", out / "predictions"),
        ("overlay picture", out / "overlay.png"),
    ):
        print(f"{what:<20} {path}")


if __name__ == "__main__":
    main()
