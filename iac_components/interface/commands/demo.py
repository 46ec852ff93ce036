"""Watch a cell being searched, pruned, trained and used, within minutes on two cores.

Runs on the package's 20 hippocampus volumes (MR of ten subjects, both sides, from the Medical
Segmentation Decathlon, CC BY-SA 4.0), or on your own data with --dataset_dir; for other data sets
of the collection without it on synthetic volumes, which only show that the stages run.
--bundle hippocampus_dints searches a whole 3-D network. Every 'monai.bundle run' command is printed
before it starts, so that it can be copied. Finished stages are not repeated in the same output_dir.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import cast

from iac_components.bundling.options import OptionError
from iac_components.bundling.rendering.combination import Combination
from iac_components.bundling.rendering.iac import IacCombination
from iac_components.data.case import entry_files
from iac_components.interface.running.bundles import Bundles, collection, find_bundles
from iac_components.interface.running.chain import run_stages, test_cases
from iac_components.interface.running.overrides import override, read_overrides
from iac_components.interface.running.request import RunRequest
from iac_components.interface.running.results.summary import tell_results
from iac_components.interface.running.stages import Stage, make_stages
from iac_components.phantoms import write_phantom
from iac_components.visualization import write_overlay

__all__ = ["BUDGETS", "EXAMPLE", "EXAMPLE_DATA", "add_arguments", "run"]

EXAMPLE = """
  iac demo
  iac demo --bundle hippocampus_dints --output_dir demo_dints
  iac demo --bundle acdc_unet --dataset_dir ACDC
"""

EXAMPLE_DATA = Path(__file__).parents[2] / "data" / "examples" / "Task04_Hippocampus"

# Small enough for two cores and a few minutes; the bundles' own defaults are for real use.
BUDGETS: Mapping[str, Mapping[str, Mapping[str, object]]] = {
    "iac": {
        "backbone": {
            **{"epochs": 14, "steps_per_epoch": 30, "batch_size": 12, "val_interval": 14},
            "learning_rate": 0.002,
        },
        "search": {
            **{"epochs": 12, "steps_per_epoch": 4, "batch_size": 4, "warmup_epochs": 2},
            "architecture_learning_rate": 0.1,
        },
        "train": {"epochs": 4, "steps_per_epoch": 30, "batch_size": 12, "val_interval": 4},
    },
    "dints": {
        "search": {
            **{"num_blocks": 6, "num_depths": 3, "channel_mul": 0.25, "memory_fraction": 0.5},
            **{"epochs": 24, "steps_per_epoch": 8, "batch_size": 2, "warmup_epochs": 6},
            **{"architecture_learning_rate": 0.04, "val_interval": 24, "pruning": True},
            "patch_size": [32, 48, 32],
        },
        "train": {
            **{"epochs": 6, "steps_per_epoch": 60, "batch_size": 4, "val_interval": 6},
            "patch_size": [32, 48, 32],
        },
        "postprocess": {"patch_size": [32, 48, 32]},
        "evaluate": {"patch_size": [32, 48, 32]},
        "predict": {"patch_size": [32, 48, 32]},
    },
}
"""Options of a short run, by method and stage."""

LEARNING = ("backbone", "train")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument(
        "--bundle",
        default="hippocampus_unet",
        metavar="NAME",
        help="for instance acdc_resnet or hippocampus_dints (hippocampus_unet)",
    )
    parser.add_argument("--dataset_dir", type=Path, help="real data in its official layout")
    parser.add_argument("--output_dir", type=Path, default=Path("demo_output"))
    parser.add_argument(
        "--set",
        nargs="+",
        default=[],
        metavar="[STAGE.]KEY=VALUE",
        help="options of the bundles, such as search.epochs=20",
    )
    parser.add_argument("--again", metavar="STAGE", help="repeat this stage and all later ones")


def run(options: argparse.Namespace) -> None:
    """Run the demo.

    Raises:
        OptionError: if something given is at fault.
        StageError: if a stage fails.
    """
    if options.bundle not in collection():
        raise OptionError(f"--bundle '{options.bundle}' is not one of {', '.join(collection())}.")
    given = read_overrides(options.set)
    out = options.output_dir.expanduser().absolute()
    bundles = find_bundles(options.bundle, rendered=out / "bundles")
    facts = bundles.settings("train")
    data = _dataset(options, str(facts["dataset_name"]), out)
    whole = make_stages(bundles, data, images=out / "images", out=out)
    stages = override(_short(whole, bundles, given), given)
    layout = str(facts["layout"])
    run_stages(stages, out, images=out / "images", layout=layout, again=options.again)
    case = test_cases(stages[0], layout)[0]
    image, label = (entry_files(case, key)[0] for key in ("image", "label"))
    write_overlay(
        image,
        out / "predictions" / f"{case['case']}_seg.nii.gz",
        out / "overlay.png",
        label_path=label,
        class_names=cast(list[str], facts["class_names"]),
    )
    _request(bundles, data, whole, stages).write(out)
    tell_results(stages)
    pictures = [*sorted((out / "search").glob("*.png")), out / "overlay.png"]
    print("pictures   ", "\n            ".join(map(str, pictures)))


def _request(
    bundles: Bundles, data: Path, whole: Sequence[Stage], stages: Sequence[Stage]
) -> RunRequest:
    """Say what was run as an ``iac run`` would have been asked for it."""
    words = [
        f"{stage.name}.{key}={value}"
        for planned, stage in zip(whole, stages, strict=True)
        for key, value in stage.options.items()
        if key not in planned.options or planned.options[key] != value
    ]
    return RunRequest(bundles, data, words)


def phantom_layout(combination: Combination) -> str:
    """Return the layout of the phantom that resembles a combination's data set."""
    name = combination.dataset.name
    # Of the Decathlon's tasks hippocampus alone has networks that see slices.
    sees_slices = isinstance(combination, IacCombination) and combination.view == "slices"
    return name if sees_slices else f"msd_{name}"


def _dataset(options: argparse.Namespace, name: str, out: Path) -> Path:
    """Return the data folder: as given, the shipped example, or a new phantom."""
    if options.dataset_dir is not None:
        return Path(options.dataset_dir).expanduser()
    if name == "hippocampus":
        print(f"Data: {EXAMPLE_DATA} (CC BY-SA 4.0, see its README).\n")
        return EXAMPLE_DATA
    folder = out / "phantom"
    layout = phantom_layout(collection()[options.bundle])
    if not folder.exists():
        write_phantom(folder, layout=layout, num_patients=10)
    print(f"Data: synthetic volumes like '{layout}' in {folder}.\n")
    return folder


def _short(
    stages: list[Stage], bundles: Bundles, given: Mapping[str, Mapping[str, str]]
) -> list[Stage]:
    """Set the budget of stages; the validation interval follows a given length."""
    short = []
    slices = "empty_fraction" in bundles.settings("train")
    for stage in stages:
        budget = dict(BUDGETS[bundles.method].get(stage.name, {}))
        if not slices and bundles.method == "iac" and "batch_size" in budget:
            # Patches of volumes hold as many voxels as dozens of slices.
            budget["batch_size"] = 2
        if slices and bundles.name.startswith("hippocampus") and stage.name in LEARNING:
            # Slices without a label are a third of these few, and must be learned, too.
            budget["empty_fraction"] = 0.5
        if "epochs" in {**given.get("", {}), **given.get(stage.name, {})}:
            budget.pop("val_interval", None)
        short.append(stage.with_options(budget))
    return short
