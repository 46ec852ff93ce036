"""Score label maps against labels, by patient: Dice, HD95, false positives.

  iac evaluate PREDICTIONS LABELS     two folders of label maps; files match by name, with or
                                      without '_seg' at the end
  iac evaluate PREDICTIONS DATA --layout acdc
                                      against all labels of a data set in an official layout
  iac evaluate DATA --bundles STEM    a network on a labelled data set as a whole: its images are
                                      segmented by the inference bundle first

Writes metrics.csv (every case and class) and metrics.json (every patient), as the bundles do; 'iac
compare' reads both. Patients are those of the layout, or of groups.csv (case,subject_group) in the
labels' folder or beside it; else each case is a patient.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import cast

from iac_components.bundling.options import OptionError
from iac_components.data import read_dataset, registered_layouts
from iac_components.data.case import Case
from iac_components.data.checks.volumes import CONFIGURED
from iac_components.data.formats.pictures import WHITE, is_white_mask
from iac_components.data.layouts.decathlon import find_groups
from iac_components.data.layouts.described.description import describe_dataset
from iac_components.engine import OwnedFolders
from iac_components.evaluation import write_metrics
from iac_components.interface.label_maps.pairs import PREDICTED, folder_cases, pair_up
from iac_components.interface.label_maps.scoring import Scoring, score, values_of
from iac_components.interface.running.bundles import Bundles, find_bundles
from iac_components.interface.running.overrides import (
    check_stages,
    override,
    read_overrides,
)
from iac_components.interface.running.process import run_stage
from iac_components.interface.running.results.words import metrics_table
from iac_components.interface.running.segmenting import predict_stage

__all__ = ["EXAMPLE", "add_arguments", "run"]

EXAMPLE = """
  iac evaluate predictions labelsTs --output_dir scores --class_names liver tumour
  iac evaluate predictions BraTS --layout brats --output_dir scores --common \\
      --class_names necrosis oedema enhancing --regions whole=1,2,3 core=1,3 enhancing=3
  iac evaluate ACDC --bundles acdc_unet --run runs/acdc_unet --output_dir scores
"""

RELABELLED = {"brats": {4: 3}}
"""Label values that count as others, by layout; BraTS called the third class 4 until 2021."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("paths", nargs="+", type=Path, metavar="FOLDER", help="see above")
    parser.add_argument("--output_dir", type=Path, required=True, help="for the scores")
    parser.add_argument("--layout", choices=registered_layouts(), help="LABELS is a data set")
    parser.add_argument("--class_names", nargs="+", metavar="NAME", help="of labels 1, 2, ...")
    parser.add_argument(
        "--regions", nargs="+", metavar="NAME=1,2", help="score these unions of classes"
    )
    parser.add_argument("--groups", type=Path, metavar="FILE.csv", help="case,subject_group")
    parser.add_argument("--common", action="store_true", help="score only common cases")
    parser.add_argument("--prediction_suffix", default=PREDICTED, help=f"({PREDICTED})")
    parser.add_argument("--label_suffix", default="", help="such as _gt")
    parser.add_argument("--bundles", metavar="STEM", help="segment the data set's images first")
    parser.add_argument("--run", type=Path, metavar="DIR", help="take weights of this 'iac run'")
    parser.add_argument(
        "--set", nargs="+", default=[], metavar="KEY=VALUE", help="options of the inference bundle"
    )


def run(options: argparse.Namespace) -> None:
    """Score, and print a table.

    Raises:
        ValueError: if something given, or a file, is at fault.
        StageError: if the inference fails.
    """
    _require_fitting(options)
    facts = _facts(options)
    labels = options.paths[-1].expanduser()
    layout = options.layout or facts.get("layout")
    cases = _cases(labels, layout, options)
    folders = OwnedFolders(output_dir=options.output_dir)
    folders.claim()
    predictions = _segment(cases, options) if options.bundles else options.paths[0].expanduser()
    pairs = pair_up(predictions, cases, suffix=options.prediction_suffix, common=options.common)
    names = options.class_names or facts.get("class_names") or _stated(labels, layout)
    relabelled = RELABELLED.get(str(layout), {})
    if not options.bundles and (names is None or len(cast("Sequence[str]", names)) == 1):
        values = values_of(pairs)
        if is_white_mask(values):
            print(f"Label value {WHITE} counts as 1: masks of 0 and {WHITE}.", flush=True)
            values, relabelled = {1}, {WHITE: 1}
        names = names or [str(n) for n in range(1, max(values | {1}) + 1)]
    scoring = Scoring(
        cast("Sequence[str]", names),
        _regions(options.regions) or cast("Mapping[str, list[int]] | None", facts.get("regions")),
        relabelled,
        _bundles(options).renumbered() if options.bundles else {},
        CONFIGURED if options.bundles else "--class_names",
    )
    scored = scoring.names
    records = score(pairs, scoring)
    out = Path(options.output_dir).expanduser().absolute()
    info = {"predictions": str(predictions), "labels": str(labels), "layout": layout}
    write_metrics(out, records, class_names=scored, info=info, regions=scoring.regions)
    folders.release()
    patients = len({record.patient for record in records})
    print(f"{len(pairs)} cases of {patients} patients.\n\n{metrics_table(out / 'metrics.json')}")
    print(f"\n{out / 'metrics.csv'}\n{out / 'metrics.json'}")


def _require_fitting(options: argparse.Namespace) -> None:
    """Check that the given options go together.

    Raises:
        OptionError: if it does not.
    """
    wanted = 1 if options.bundles else 2
    if len(options.paths) != wanted:
        form = "DATA --bundles STEM" if options.bundles else "PREDICTIONS LABELS"
        raise OptionError(f"{len(options.paths)} folder(s) given: pass {form}.")
    alone = [name for name in ("run", "set") if getattr(options, name)]
    if alone and not options.bundles:
        raise OptionError(f"--{alone[0]} is for --bundles, which segment first. Leave it out.")
    if options.layout or options.bundles:
        useless = [name for name in ("groups", "label_suffix") if getattr(options, name)]
        if useless:
            raise OptionError(
                f"--{useless[0]} is for a folder of label maps: a data set in a layout defines its "
                "patients itself. Leave it out."
            )


def _facts(options: argparse.Namespace) -> Mapping[str, object]:
    """Load the config of the bundles' training, which names layout, classes and regions."""
    if not options.bundles:
        return {}
    return _bundles(options).settings("train")


def _bundles(options: argparse.Namespace) -> Bundles:
    return find_bundles(options.bundles, rendered=options.output_dir / "bundles")


def _cases(labels: Path, layout: object, options: argparse.Namespace) -> list[Case]:
    if layout:
        return read_dataset(labels, layout=str(layout))
    file = options.groups
    if file is None and labels.is_dir():
        places = (labels, labels.absolute().parent)
        file = next((found for place in places if (found := find_groups(place))), None)
    return folder_cases(labels, file, suffix=options.label_suffix)


def _stated(labels: Path, layout: object) -> Sequence[str] | None:
    """Return the classes that a data set states; labelsTr's are in the folder above it."""
    folder, name = (labels, str(layout)) if layout else (labels.absolute().parent, "decathlon")
    if not layout and not (folder / "dataset.json").is_file():
        return None
    description = describe_dataset(folder, layout=name)
    return description.classes if description is not None else None


def _regions(words: Sequence[str] | None) -> dict[str, list[int]] | None:
    """Read ``NAME=1,2`` words.

    Raises:
        OptionError: if a word is of another form.
    """
    regions: dict[str, list[int]] = {}
    for word in words or ():
        name, _, values = word.partition("=")
        numbers = values.split(",")
        if not name or name in regions or not all(number.isdecimal() for number in numbers):
            raise OptionError(
                f"--regions '{word}' is not NAME=1,2,... with a name of its own, such as core=1,3."
            )
        regions[name] = [int(number) for number in numbers]
    return regions or None


def _segment(cases: Sequence[Case], options: argparse.Namespace) -> Path:
    """Segment all images of a data set; returns the folder of label maps."""
    out = Path(options.output_dir).expanduser().absolute()
    stage = predict_stage(_bundles(options), [case.entry() for case in cases], out, options.run)
    (stage,) = override([stage], read_overrides(options.set))
    check_stages([stage])
    run_stage(stage)
    return stage.result
