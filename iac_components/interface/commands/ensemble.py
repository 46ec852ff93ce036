"""Average the probabilities of several networks, such as a 2-D and a 3-D one of a data set.

  iac ensemble RUN RUN ...         finished runs of 'iac run' on the same data and folds: the test
                                   patients of every shared fold are segmented by the average of
                                   the runs' networks of that fold, and scored
  iac ensemble FOLDER FOLDER ...   folders that inference wrote with --save_probabilities true are
                                   averaged into label maps

The scores are written as a run's own (cross_validation/metrics.json), so that 'iac compare --best
RUN RUN OUT' chooses between runs and their average. --images segments new images by the average
over runs and folds. Each inference is a 'monai.bundle run' command, printed before it starts; a
second call skips what has ended. Each run counts the same; no component is removed.
"""

from __future__ import annotations

import argparse
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import cast

from iac_components.bundling.options import OptionError
from iac_components.data import read_dataset
from iac_components.evaluation import CaseRecord, write_metrics
from iac_components.interface.ensembling.averages import write_averages
from iac_components.interface.ensembling.configurations import (
    Configuration,
    read_configuration,
    run_inference,
    shared_folds,
)
from iac_components.interface.ensembling.output import claim_output
from iac_components.interface.label_maps.pairs import pair_up
from iac_components.interface.label_maps.scoring import Scoring, score
from iac_components.interface.running.chain import test_cases
from iac_components.interface.running.folds.stages import CROSS_VALIDATION, fold_folder
from iac_components.interface.running.overrides import (
    check_stages,
    override,
    read_overrides,
)
from iac_components.interface.running.request import REQUEST_NAME
from iac_components.interface.running.results.words import metrics_table
from iac_components.interface.running.segmenting import link_images
from iac_components.interface.running.stages import Stage

__all__ = ["EXAMPLE", "add_arguments", "run"]

EXAMPLE = """
  iac ensemble runs/acdc_unet runs/acdc_unet3d --output_dir runs/acdc_both --images new_patients
  iac ensemble slices/predictions volumes/predictions --output_dir both
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("folders", nargs="+", type=Path, metavar="FOLDER", help="see above")
    parser.add_argument("--output_dir", type=Path, required=True, help="for everything written")
    parser.add_argument("--images", type=Path, help="folder of images to segment, too")
    parser.add_argument(
        "--set", nargs="+", default=[], metavar="KEY=VALUE", help="options of the inference bundles"
    )


def run(options: argparse.Namespace) -> None:
    """Average, score, and print where the results are.

    Raises:
        ValueError: if something given, or a file, is at fault.
        StageError: if an inference fails.
    """
    folders = [folder.expanduser().absolute() for folder in options.folders]
    out = options.output_dir.expanduser().absolute()
    images = None if options.images is None else options.images.expanduser().absolute()
    runs = _are_runs(folders)
    _require_fitting(options, folders, runs=runs)
    if not runs:
        owned = claim_output(out, folders, images=None)
        _write_predictions(folders, out)
        owned.release()
        return
    members = [read_configuration(folder) for folder in folders]
    tests, further = _plan(members, out, images=images, given=options.set)
    # Before hours of work, and before anything is written.
    check_stages([*(stage for stages in tests.values() for stage in stages), *further])
    owned = claim_output(out, folders, images=images)
    scores = _score(members, tests, out)
    if images is not None:
        places = [run_inference(stage, stage.result.parent, images=images) for stage in further]
        _write_predictions(places, out)
    print(f"\n{metrics_table(scores)}\n\nscores      {scores}")
    print(f"compare     iac compare --best {' '.join(map(str, folders))} {out}")
    owned.release()


def _are_runs(folders: Sequence[Path]) -> bool:
    """Tell whether the folders are runs, by what a run of any version leaves.

    Raises:
        OptionError: if some are and others are not.
    """
    marks = (REQUEST_NAME, "folds.json")
    found = [any((folder / mark).is_file() for mark in marks) for folder in folders]
    if any(found) and not all(found):
        raise OptionError(
            f"'{folders[found.index(True)]}' is an 'iac run', '{folders[found.index(False)]}' is "
            "not. Pass runs alone, or folders of saved probabilities alone."
        )
    return all(found)


def _require_fitting(options: argparse.Namespace, folders: Sequence[Path], *, runs: bool) -> None:
    if len(folders) < 2:
        raise OptionError(f"'{folders[0]}' alone is no ensemble: pass two folders or more.")
    if len({folder.resolve() for folder in folders}) < len(folders):
        raise OptionError("a folder is given twice, so that it would count twice: pass it once.")
    if options.images is not None and not options.images.is_dir():
        raise OptionError(f"--images '{options.images}' is not a folder. Pass one with images.")
    useless = [name for name in ("images", "set") if getattr(options, name)]
    if useless and not runs:
        raise OptionError(
            f"--{useless[0]} is for runs, which segment first; of these folders, nothing is to be "
            "segmented. Leave it out."
        )


def _plan(
    members: Sequence[Configuration], out: Path, *, images: Path | None, given: Sequence[str]
) -> tuple[dict[int, list[Stage]], list[Stage]]:
    """List the inferences of every run: by shared fold, and those of the user's images."""
    folds = shared_folds(members)
    overrides = read_overrides(given)

    def inferences(of: Sequence[int], images: Path, folder: Path) -> list[Stage]:
        stages = (
            member.inference(of, images=images, out=folder / member.folder.name)
            for member in members
        )
        return [stage for one in stages for stage in override([one], overrides)]

    tests = {}
    for fold in folds:
        folder = fold_folder(out, fold)
        tests[fold] = inferences([fold], folder / "images", folder / "networks")
    return tests, [] if images is None else inferences(folds, images, out / "images")


def _score(
    members: Sequence[Configuration], tests: Mapping[int, Sequence[Stage]], out: Path
) -> Path:
    """Segment each fold's test patients by the average, and score them.

    Returns:
        ``metrics.json`` of all of them.
    """
    first = members[0]
    layout = str(first.facts["layout"])
    scoring = Scoring(
        cast("Sequence[str]", first.facts["class_names"]),
        cast("Mapping[str, Sequence[int]] | None", first.facts["regions"]),
        renumbered=first.request.bundles.renumbered(),
    )
    labelled = {case.name: case for case in read_dataset(first.request.data, layout=layout)}
    records: list[CaseRecord] = []
    for fold, stages in tests.items():
        print(f"\nFold {fold}", flush=True)
        folder = fold_folder(out, fold)
        cases = test_cases(first.folds[fold][0].with_options({"fold": fold}), layout)
        link_images(cases, folder / "images")
        places = [run_inference(stage, stage.result.parent) for stage in stages]
        predictions = _write_predictions(places, folder)
        tested = [labelled[str(case["case"])] for case in cases]
        records += score(pair_up(predictions, tested), scoring)
    write_metrics(
        out / CROSS_VALIDATION,
        records,
        class_names=scoring.names,
        info={"folds": list(tests), "runs": [str(member.folder) for member in members]},
        regions=scoring.regions,
    )
    return out / CROSS_VALIDATION / "metrics.json"


def _write_predictions(places: Sequence[Path], out: Path) -> Path:
    """Replace the label maps of an average."""
    predictions = out / "predictions"
    shutil.rmtree(predictions, ignore_errors=True)
    count = write_averages(places, predictions)
    print(f"{count} cases by the average of {len(places)}: {predictions}", flush=True)
    return predictions
