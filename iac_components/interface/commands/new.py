"""Write the search, train and inference bundles for a data set of your own.

The data set lies in the Decathlon's layout: dataset.json (the Decathlon's or nnU-Net v2's spelling,
with its list "training"), imagesTr, labelsTr and, if a patient has several cases, groups.csv
(case,subject_group). The values of the configs follow from it by fixed rules and are printed with
their reasons; each one is a top-level key of the configs and can be changed afterwards.
"""

from __future__ import annotations

import argparse
import json
import shlex
from collections.abc import Iterator, Sequence
from pathlib import Path

from iac_components.bundling.own_data import (
    PLANES,
    Choice,
    DatasetFacts,
    config_of,
    license_text,
    make_choices,
    other_planes,
    read_facts,
    require_folders,
    require_name,
    words_of,
    write_combination,
)
from iac_components.bundling.rendering import IacCombination
from iac_components.bundling.rendering.facts import IAC, STAGES, DatasetSource, known, load_backbone
from iac_components.interface.commands.running.bundles import Bundles
from iac_components.interface.commands.running.stages import make_stages

__all__ = ["EXAMPLE", "add_arguments", "create_bundles", "plan_bundles", "run"]

EXAMPLE = """
  iac new my_data --name liver --backbone resnet
  iac new my_data --name disc --slices sagittal --in_plane_spacing 0.8 0.8 --overwrite
"""
REASON_WIDTH = 46


def create_bundles(
    dataset_dir: Path,
    *,
    name: str,
    backbone: str,
    out: Path,
    spacing: tuple[float, float] | None = None,
    plane: str | None = None,
    overwrite: bool = False,
) -> tuple[IacCombination, DatasetFacts, list[Choice]]:
    """Read a data set, decide the values of its configs and write the three bundles.

    Args:
        dataset_dir: folder with ``dataset.json``, ``imagesTr`` and ``labelsTr``.
        name: of the data set, in the bundles' names.
        backbone: one of the collection's.
        out: folder for the bundles.
        spacing: voxel size within a slice in mm; by default the median.
        plane: of the slices; by default across the coarsest axis.
        overwrite: replace bundles that are there, or take a name of this collection.

    Raises:
        ValueError: if the name, the backbone or the data set cannot be used.
        OSError: if the bundles are there already, or cannot be written.
    """
    require_name(name, overwrite=overwrite)
    source = load_backbone(backbone)
    bundles = out.expanduser().absolute()
    # Before the data set is read, which can take minutes.
    nothing_yet = DatasetSource({"dataset_name": name}, {}, "")
    require_folders(IacCombination(nothing_yet, source, bundles), overwrite=overwrite)
    facts = read_facts(dataset_dir, spacing=spacing, plane=plane)
    choices = make_choices(facts, source)
    dataset = DatasetSource(
        config_of(name, choices, facts.plane),
        words_of(name, facts, choices),
        license_text(name, facts),
    )
    combination = IacCombination(dataset, source, bundles)
    write_combination(combination, overwrite=overwrite)
    return combination, facts, choices


def table(choices: Sequence[Choice]) -> str:
    """Key, value and reason of every choice, a line each."""
    rows = [(choice.key, _short(choice.value), choice.reason) for choice in choices]
    widths = [max(len(row[column]) for row in rows) for column in (0, 1)]
    return "\n".join(
        f"  {key.ljust(widths[0])}  {value.ljust(widths[1])}  {reason}"
        for key, value, reason in rows
    )


def notes(combination: IacCombination, facts: DatasetFacts) -> Iterator[str]:
    """Yield the notices that the table does not show."""
    volumes = len(facts.cases)
    yield (
        f"Volumes are cut into {facts.plane.name} slices, across the axis with the largest voxels "
        "or as asked for; --slices with --overwrite changes it."
    )
    if others := other_planes(facts.geometry, facts.plane):
        yield (
            f"{others} of {volumes} volumes have much larger voxels along another axis than across "
            "these slices: what the network sees of them is blurred."
        )
    if facts.has_groups:
        yield f"Patients: {facts.num_patients}, from groups.csv."
    elif facts.num_patients == volumes:
        yield (
            "Patients: no groups.csv, so each case counts as one patient. If a patient "
            "has several cases, write one (case,subject_group), or the folds leak."
        )
    else:
        yield f"Patients: {facts.num_patients}, two cases each, as in the Decathlon's hippocampus."
    if combination.dataset.name in known(IAC / "datasets"):
        yield (
            f"'{combination.dataset.name}' is a data set of this collection, whose results and "
            "genotype are in these bundles. If yours is another one, choose another name."
        )
    yield (
        "The genotype.json in train and inference is a stand-in from another data set, as its "
        "provenance says; the commands below use the one that your search finds."
    )


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("dataset_dir", metavar="DATA", type=Path, help="the data set's folder")
    parser.add_argument("--name", required=True, help="of the data set: letters, digits, _")
    parser.add_argument(
        "--backbone", default="unet", help=f"one of {', '.join(known(IAC / 'backbones'))} (unet)"
    )
    parser.add_argument("--out", type=Path, default=Path("own_bundles"), help="(own_bundles)")
    parser.add_argument(
        "--in_plane_spacing",
        type=float,
        nargs=2,
        metavar="MM",
        help="voxel size within a slice (the data set's median)",
    )
    parser.add_argument("--slices", choices=PLANES, help="(across the coarsest axis)")
    parser.add_argument("--overwrite", action="store_true", help="replace rendered files")


def run(options: argparse.Namespace) -> None:
    """Write the bundles, print the decisions, and the commands that use them.

    Raises:
        ValueError: if something given is at fault.
        OSError: if the bundles cannot be written.
    """
    spacing = options.in_plane_spacing and tuple(options.in_plane_spacing)
    bundles = plan_bundles(
        options.dataset_dir,
        name=options.name,
        backbone=options.backbone,
        out=options.out,
        spacing=spacing,
        plane=options.slices,
        overwrite=options.overwrite,
    )
    data = options.dataset_dir.expanduser().absolute()
    runs = bundles.stem.parent.parent / "runs" / bundles.name
    stages = make_stages(bundles, data, images=data / "imagesTr", out=runs)
    for number, stage in enumerate(stages, start=1):
        print(f"\n# {number}. {stage.title}\n{stage.line()}")
    words = ["iac", "run", str(bundles.stem.with_name(bundles.name)), str(data)]
    print(f"\n# All stages; after a stop, the same command resumes\n{shlex.join(words)}")


def plan_bundles(
    dataset_dir: Path,
    *,
    name: str,
    backbone: str,
    out: Path,
    spacing: tuple[float, float] | None = None,
    plane: str | None = None,
    overwrite: bool = False,
) -> Bundles:
    """Write the bundles and print the decisions; see :func:`create_bundles`."""
    combination, facts, choices = create_bundles(
        dataset_dir,
        name=name,
        backbone=backbone,
        out=out,
        spacing=spacing,
        plane=plane,
        overwrite=overwrite,
    )
    print("Written:", *(f"  {combination.root(stage)}" for stage in STAGES), sep="\n")
    print(f"\nDecided from the data set:\n{table(choices)}\n")
    print(
        "Each is a top-level key of the configs: edit it there, or pass it to a command, such as\n"
        "--batch_size 4. pixdim, field_of_view, patch_size and voxel_values must be the same in\n"
        "all three bundles.\n"
    )
    print("\n".join(f"- {note}" for note in notes(combination, facts)), flush=True)
    return Bundles(combination.bundles / combination.prefix)


def _short(value: object) -> str:
    """Format a value on one line of the table."""
    if isinstance(value, dict) and "_target_" in value:
        inner = [f"{value[key]:g}" for key in ("a_min", "a_max") if key in value]
        return " ".join([str(value["_target_"]), *inner])
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= REASON_WIDTH else f"{text[: REASON_WIDTH - 3]}..."
