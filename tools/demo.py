"""Watch a cell being searched, pruned, trained and used, by plain ``monai.bundle run`` commands.

Without arguments on a small synthetic data set in ACDC's layout; with ``--dataset_dir`` on real
data. Every command is printed before it runs, so that it can be copied.
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
from pathlib import Path

from iac_components.data import load_datalist, write_phantom
from iac_components.data.case import DatalistEntry, entry_files, nifti_stem
from iac_components.visualization import write_overlay

ROOT = Path(__file__).parent.parent
BUNDLES = ROOT / "bundles"
COMBINATIONS = sorted(
    path.name.removesuffix("_iac_segmentation_search")
    for path in BUNDLES.glob("*_iac_segmentation_search")
)

# Small enough for two cores and a few minutes; the bundles' own defaults are for real use.
BACKBONE = {"epochs": 10, "steps_per_epoch": 30, "val_interval": 10}
SEARCH = {"epochs": 60, "steps_per_epoch": 4, "batch_size": 4, "warmup_epochs": 2}
SEARCH_RATE = {"architecture_learning_rate": 0.02}
TRAIN = {"epochs": 6, "steps_per_epoch": 30, "val_interval": 6}


def run_bundle(configs: list[Path], **options: object) -> None:
    """Print a ``monai.bundle run`` command, then run it; end the demo if it fails."""
    names = [str(config.relative_to(ROOT)) for config in configs]
    config_file = names[0] if len(names) == 1 else str(names)
    arguments = ["-m", "monai.bundle", "run", "--config_file", config_file]
    for key, value in options.items():
        arguments += [f"--{key}", str(value)]
    print(f"\n$ {shlex.join(['python', *arguments])}\n", flush=True)
    environment = {**os.environ, "PYTHONWARNINGS": "ignore"}
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


def main() -> None:
    """Run the demo."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--bundle",
        default="acdc_unet",
        choices=COMBINATIONS,
        metavar="NAME",
        help="for instance acdc_resnet",
    )
    parser.add_argument("--dataset_dir", type=Path, help="real data in its official layout")
    parser.add_argument("--output_dir", type=Path, default=ROOT / "demo_output")
    arguments = parser.parse_args()
    out = arguments.output_dir.absolute()
    configs = {
        stage: BUNDLES / f"{arguments.bundle}_iac_segmentation_{stage}" / "configs"
        for stage in ("search", "train", "inference")
    }
    facts = json.loads((configs["train"] / "train.json").read_text(encoding="utf-8"))
    layout = facts["layout"]
    if arguments.dataset_dir is None:
        dataset_dir = out / "phantom"
        shutil.rmtree(dataset_dir, ignore_errors=True)
        write_phantom(dataset_dir, layout=layout, num_patients=10)
        print(f"Wrote a synthetic data set in the '{layout}' layout to {dataset_dir}.")
    else:
        dataset_dir = arguments.dataset_dir.absolute()
    common = {"dataset_dir": dataset_dir, "folds_file": out / "folds.json"}

    print("\n1/5  Train the plain backbone.")
    run_bundle(
        [configs["train"] / "train.json"],
        **common,
        output_dir=out / "backbone",
        ckpt_dir=out / "backbone" / "models",
        skip_module="plain",
        **BACKBONE,
    )
    backbone = out / "backbone" / "models" / "model.pt"
    print("\n2/5  Search a cell for its skip connections, the backbone frozen.")
    run_bundle(
        [configs["search"] / "search.json"],
        **common,
        output_dir=out / "search",
        backbone_ckpt=backbone,
        **SEARCH,
        **SEARCH_RATE,
    )
    genotype = out / "search" / "genotype.json"
    print("\n3/5  Implant the found cell into the trained backbone and train on.")
    network = {"genotype_path": genotype, "ckpt_dir": out / "train" / "models"}
    run_bundle(
        [configs["train"] / "train.json"],
        **common,
        **network,
        output_dir=out / "train",
        backbone_ckpt=backbone,
        **TRAIN,
    )
    print("\n4/5  Evaluate on patients never trained or searched on.")
    run_bundle(
        [configs["train"] / "train.json", configs["train"] / "evaluate.json"],
        **common,
        **network,
        output_dir=out / "evaluate",
    )
    print("\n5/5  Write label maps of the test images.")
    cases = load_datalist(dataset_dir, layout=layout, part="test", folds_file=common["folds_file"])
    copy_test_images(cases, out / "images")
    run_bundle(
        [configs["inference"] / "inference.json"],
        dataset_dir=out / "images",
        output_dir=out / "predictions",
        genotype_path=genotype,
        checkpoint=out / "train" / "models" / "model.pt",
    )
    image, label = (entry_files(cases[0], key)[0] for key in ("image", "label"))
    write_overlay(
        image,
        out / "predictions" / f"{nifti_stem(image)}_seg.nii.gz",
        out / "overlay.png",
        label_path=label,
        class_names=facts["class_names"],
    )
    print_metrics(out / "evaluate" / "metrics.json")
    for what, path in (
        ("genotype", genotype),
        ("picture of the cell", out / "search" / "cell.png"),
        ("probability curves", out / "search" / "probability_curves.png"),
        ("divergence curves", out / "search" / "divergence_curves.png"),
        ("metrics table", out / "evaluate" / "metrics.csv"),
        ("label maps", out / "predictions"),
        ("overlay picture", out / "overlay.png"),
    ):
        print(f"{what:<20} {path}")


if __name__ == "__main__":
    main()
