"""Run all stages from a labelled data set to label maps, in one resumable call.

Trains a plain backbone, searches a cell for it, implants the cell and trains, decides on the
validation patients whether only largest components are kept, scores the network on the test fold
and segments that fold's images (or yours). Each stage is a 'monai.bundle run' command,
printed before it starts. A second call skips finished stages. Ends with report.html.

--folds 0 1 2 3 4 does all of that in every fold, scores all patients, each by the network that
never saw it, and segments the images of --images with the average of the folds' networks.

--control answers whether the cell pays: it trains the plain network as long, too, from the same
backbone, and compares the two on the test patients.

STEM is the common start of three bundle folders' names (own_bundles/liver_unet), or the short
name of a combination of the collection (acdc_unet, spleen_dints). If there are no bundles at a
path of that form, they are planned from the data first, as 'iac new' does it.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from iac_components.bundling.options import OptionError
from iac_components.data import DatasetError, detect_layout
from iac_components.data.layouts.catalogue import find_dataset
from iac_components.data.parts import ALL_FOLDS
from iac_components.interface.commands.new import NETWORKS, bundles_of, plan_bundles
from iac_components.interface.running.bundles import Bundles, find_bundles
from iac_components.interface.running.chain import run_stages
from iac_components.interface.running.control import (
    control_stages,
    require_control,
    run_control,
)
from iac_components.interface.running.folds.parallel import run_folds_in_parallel
from iac_components.interface.running.folds.stages import ensemble_stage, fold_folder, fold_stages
from iac_components.interface.running.overrides import override, read_overrides
from iac_components.interface.running.request import RunRequest
from iac_components.interface.running.results.summary import Runs, sum_up
from iac_components.interface.running.stages import STAGES, Stage, make_stages

__all__ = ["EXAMPLE", "add_arguments", "run"]

EXAMPLE = """
  iac run own_bundles/liver_unet my_data
  iac run hippocampus_unet Task04_Hippocampus --set batch_size=4 search.epochs=40
  iac run acdc_unet ACDC --again train --images new_patients
  iac run acdc_unet ACDC --folds 0 1 2 3 4 --devices cuda:0 cuda:1 --images new_patients
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
    parser.add_argument(
        "--folds", nargs="+", type=int, metavar="N", help="cross-validate over these folds, from 0"
    )
    parser.add_argument(
        "--devices", nargs="+", metavar="DEVICE", help="run folds side by side, one a device"
    )
    parser.add_argument(
        "--control",
        action="store_true",
        help="then compare with the plain network, trained as long",
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
    settings = bundles.settings("train")
    layout = str(settings["layout"])
    data = _dataset(options.dataset_dir, layout)
    own = None if options.images is None else options.images.expanduser().absolute()
    _check_folds(options, given, num_folds=settings["num_folds"])
    runs, further = _plan(options, bundles, data, out=out, own=own, given=given)
    controls = {fold: control_stages(stages) for fold, stages in runs.items()}
    if options.control:
        _check_control(options, runs)
    if options.dry_run:
        _print_commands(runs, controls if options.control else {}, further)
        return
    if options.devices:
        run_folds_in_parallel(
            _command(options, out), options.set, options.folds, options.devices, out=out
        )
    for fold, stages in runs.items():
        folder = out
        if fold is not None:
            folder = fold_folder(out, fold)
            print(f"\nFold {fold}", flush=True)
        run_stages(
            stages,
            folder,
            images=None if own and fold is None else folder / "images",
            layout=layout,
            until=options.until,
            # Side by side, they have been repeated.
            again=None if options.devices else options.again,
            resting=controls[fold],
        )
        if options.control:
            run_control(stages, folder)
    if options.until is None or options.until == STAGES[-1]:
        sum_up(runs, further, out, layout=layout, settings=settings, with_control=options.control)
        RunRequest(bundles, data, options.set).write(out)


DECIDED = "postprocessing_file"


def _check_folds(
    options: argparse.Namespace, given: Mapping[str, Mapping[str, str]], *, num_folds: object
) -> None:
    folds, devices = options.folds, options.devices
    keys = {key for keys in given.values() for key in keys}
    if folds is not None:
        written = f"--folds {' '.join(map(str, folds))}"
        count = given.get("", {}).get("num_folds", num_folds)
        if len(set(folds)) < len(folds):
            raise OptionError(f"{written}: pass each once.")
        if min(folds) < 0 or max(folds) >= int(str(count)):
            raise OptionError(f"{written}: the folds are 0 to {int(str(count)) - 1}.")
        if "fold" in keys:
            raise OptionError("--set fold and --folds contradict each other: leave one out.")
    if devices is not None and (folds is None or len(folds) < 2):
        raise OptionError("--devices has no use without several --folds: leave it out.")
    if devices is not None and "device" in keys:
        raise OptionError("--set device and --devices contradict each other: leave one out.")


def _plan(
    options: argparse.Namespace,
    bundles: Bundles,
    data: Path,
    *,
    out: Path,
    own: Path | None,
    given: Mapping[str, Mapping[str, str]],
) -> tuple[Runs, list[Stage]]:
    """List the stages of every fold, or of the config's (None), and those that need all folds."""
    if options.folds is None:
        stages = override(make_stages(bundles, data, images=own or out / "images", out=out), given)
        return {None: _without_test(stages, bundles, has_images=own is not None)}, []
    by_fold: Runs = {
        fold: override(fold_stages(bundles, data, out=out, fold=fold), given)
        for fold in options.folds
    }
    further = []
    if own is not None and len(by_fold) > 1:
        further = [ensemble_stage(bundles, by_fold, images=own, out=out)]
    return by_fold, further


def _check_control(options: argparse.Namespace, runs: Runs) -> None:
    for stages in runs.values():
        require_control(stages)
    if options.until is not None:
        raise OptionError("--until and --control contradict each other: leave one out.")


def _print_commands(runs: Runs, controls: Runs, further: Sequence[Stage]) -> None:
    stages = [
        stage for fold, of_fold in runs.items() for stage in (*of_fold, *controls.get(fold, ()))
    ]
    for number, stage in enumerate([*stages, *further], start=1):
        print(f"# {number}. {stage.title}\n{stage.line()}\n")


def _command(options: argparse.Namespace, out: Path) -> list[str]:
    """Return the command's words without folds, devices and overrides."""
    words = ["run", str(options.stem), str(options.dataset_dir), "--output_dir", str(out)]
    if options.control:
        words.append("--control")
    for name in ("until", "again"):
        if getattr(options, name) is not None:
            words += [f"--{name}", getattr(options, name)]
    return words


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
    left = ["postprocess", "evaluate", *([] if has_images else ["predict"])]
    print(
        f"Fold 'all' leaves no patient to decide by or to test: without {', '.join(left)}.", end=" "
    )
    print("" if has_images else "Pass --images to have a folder segmented.", flush=True)
    return [
        replace(stage, options={k: v for k, v in stage.options.items() if k != DECIDED})
        for stage in stages
        if stage.name not in left
    ]


def _bundles(stem: str, dataset_dir: Path, out: Path) -> Bundles:
    """Find the bundles, or plan them for the user's data."""
    try:
        return find_bundles(stem, rendered=out / "bundles")
    except OptionError:
        path = Path(stem).expanduser()
        name, _, network = path.name.rpartition("_")
        plannable = len(path.parts) > 1 and name and network in NETWORKS
        if not plannable or any(path.parent.glob(f"{path.name}_*segmentation_*")):
            raise
    print(f"No bundles at '{stem}' yet: planned from the data.\n", flush=True)
    planned = plan_bundles(dataset_dir, name=name, network=network, out=path.parent)
    return bundles_of(planned)
