"""Run all stages from a labelled data set to label maps, in one resumable call.

Trains a plain backbone, searches a cell for it, implants the cell and trains, scores it on the
test fold and segments that fold's images (or yours). Each stage is a 'monai.bundle run' command,
printed before it starts. A second call skips finished stages.

STEM is the common start of three bundle folders' names (own_bundles/liver_unet), or the short
name of a combination of the collection (acdc_unet, spleen_dints). If there are no bundles at a
path of that form, they are planned from the data first, as 'iac new' does it.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from iac_components.bundling.options import OptionError
from iac_components.bundling.rendering.facts import backbones
from iac_components.data import DatasetError, detect_layout
from iac_components.data.layouts.catalogue import find_dataset
from iac_components.data.parts import ALL_FOLDS
from iac_components.interface.commands.new import bundles_of, plan_bundles
from iac_components.interface.commands.running.bundles import Bundles, find_bundles
from iac_components.interface.commands.running.chain import run_stages
from iac_components.interface.commands.running.overrides import override, read_overrides
from iac_components.interface.commands.running.stages import STAGES, Stage, make_stages
from iac_components.interface.commands.running.words import found_in_a_sentence, metrics_table

__all__ = ["EXAMPLE", "add_arguments", "run", "tell_results"]

EXAMPLE = """
  iac run own_bundles/liver_unet my_data
  iac run hippocampus_unet Task04_Hippocampus --set batch_size=4 search.epochs=40
  iac run acdc_unet ACDC --again train --images new_patients
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("stem", metavar="STEM", help="of the bundles, or a short name")
    parser.add_argument("dataset_dir", metavar="DATA", type=Path, help="labelled data set's folder")
    parser.add_argument("--output_dir", type=Path, help="for everything written (runs/<name>)")
    parser.add_argument(
        "--images", type=Path, help="folder of images to segment in the end (the test fold's)"
    )
    parser.add_argument(
        "--set",
        nargs="+",
        default=[],
        metavar="[STAGE.]KEY=VALUE",
        help=f"options of the bundles; stages: {', '.join(STAGES)}",
    )
    parser.add_argument("--until", metavar="STAGE", help="stop after this stage")
    parser.add_argument("--again", metavar="STAGE", help="repeat this stage and all later ones")
    parser.add_argument("--dry_run", action="store_true", help="print the commands, run nothing")


def run(options: argparse.Namespace) -> None:
    """Run all unfinished stages.

    Raises:
        OptionError: if something given is at fault.
        StageError: if a stage fails.
    """
    if options.images is not None and not options.images.is_dir():
        raise OptionError(f"--images '{options.images}' is not a folder. Pass one with images.")
    given = read_overrides(options.set)
    short = Path(options.stem).name
    out = (options.output_dir or Path("runs") / short).expanduser().absolute()
    bundles = _bundles(options.stem, options.dataset_dir, out)
    layout = str(bundles.settings("train")["layout"])
    data = _dataset(options.dataset_dir, layout)
    images = options.images or out / "images"
    stages = override(make_stages(bundles, data, images=images, out=out), given)
    stages = _without_test(stages, bundles, has_images=options.images is not None)
    if options.dry_run:
        for number, stage in enumerate(stages, start=1):
            print(f"# {number}. {stage.title}\n{stage.line()}\n")
        return
    own = options.images is not None
    run_stages(
        stages,
        out,
        images=None if own else images,
        layout=layout,
        until=options.until,
        again=options.again,
    )
    tell_results(stages)


def _dataset(given: Path, layout: str) -> Path:
    """Return the data set's folder or file."""
    try:
        found, detected = detect_layout(given)
    except DatasetError:
        return find_dataset(given, layout=layout)
    return found if detected == layout else find_dataset(given, layout=layout)


def _without_test(stages: list[Stage], bundles: Bundles, *, has_images: bool) -> list[Stage]:
    """Leave out what needs the test fold, where everything trains."""
    fold = stages[0].options.get("fold", bundles.settings("train").get("fold"))
    if fold != ALL_FOLDS:
        return stages
    left = ["evaluate", *([] if has_images else ["predict"])]
    print(f"Fold 'all' leaves no patient to test: without {' and '.join(left)}.", end=" ")
    print("" if has_images else "Pass --images to have a folder segmented.", flush=True)
    return [stage for stage in stages if stage.name not in left]


def _bundles(stem: str, dataset_dir: Path, out: Path) -> Bundles:
    """Find the bundles, or plan them for the user's data."""
    try:
        return find_bundles(stem, rendered=out / "bundles")
    except OptionError:
        path = Path(stem).expanduser()
        name, _, backbone = path.name.rpartition("_")
        plannable = len(path.parts) > 1 and name and backbone in backbones()
        if not plannable or any(path.parent.glob(f"{path.name}_*_segmentation_*")):
            raise
    print(f"No bundles at '{stem}' yet: planned from the data.\n", flush=True)
    planned = plan_bundles(dataset_dir, name=name, backbone=backbone, out=path.parent)
    return bundles_of(planned)


def tell_results(stages: list[Stage]) -> None:
    """Print the findings, the scores, and the places of all results."""
    results = {stage.name: stage.result for stage in stages if stage.result.exists()}
    if "search" in results:
        print(f"\n{found_in_a_sentence(results['search'])}")
    if "evaluate" in results:
        print(f"\n{metrics_table(results['evaluate'])}")
    print()
    for name, path in results.items():
        print(f"{name:<10} {path}")
