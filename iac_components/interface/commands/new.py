"""Plan and write the search, train and inference bundles for a data set of your own.

The data set is read where it lies: nnU-Net's raw folder, the Decathlon's layout, a pair of folders
images/ and labels/, Auto3DSeg's datalist (a JSON file), ACDC, BraTS or KiTS; as NIfTI, PNG, JPEG,
TIFF, MetaImage, NRRD or DICOM series; groups.csv (case,subject_group) tells which cases are one
patient's. What the configs hold is decided by fixed rules and printed with reasons and sources. It
all stands in <name>_<network>_plan.json too: edit a value there and run this again with
--overwrite.
"""

from __future__ import annotations

import argparse
import json
import shlex
from collections.abc import Iterator, Sequence
from pathlib import Path

from iac_components.bundling.own_data import (
    MEMORY,
    PLANES,
    Choice,
    DatasetFacts,
    Planned,
    create_bundles,
    name_of_folder,
    networks_of,
    read_facts,
)
from iac_components.bundling.rendering import METHODS, DintsCombination, IacCombination
from iac_components.bundling.rendering.facts import IAC, STAGES, backbones, known
from iac_components.interface.running.bundles import Bundles
from iac_components.interface.running.stages import make_stages

__all__ = ["EXAMPLE", "NETWORKS", "add_arguments", "bundles_of", "plan_bundles", "run"]

EXAMPLE = """
  iac new Dataset027_Heart --dimensions auto
  iac new Dataset027_Heart --method dints
  iac new my_data --name disc --slices sagittal --in_plane_spacing 0.8 0.8 --overwrite
"""
VALUE_WIDTH = 46
DIMENSIONS = ("2", "3", "auto", "both")
METHOD = IacCombination.method
NETWORKS = (*backbones(), DintsCombination.method)
"""Ends of the names of bundles that can be planned."""


def table(choices: Sequence[Choice]) -> str:
    """Key, value, reason and source of every choice, a line each."""
    rows = [
        (choice.key, _short(choice.value), f"{choice.reason} [{choice.source}]")
        for choice in choices
    ]
    widths = [max(len(row[column]) for row in rows) for column in (0, 1)]
    return "\n".join(
        f"  {key.ljust(widths[0])}  {value.ljust(widths[1])}  {reason}"
        for key, value, reason in rows
    )


def notes(planned: Planned) -> Iterator[str]:
    """Yield what the user should know and could not see from the table."""
    yield from planned.remarks
    name = planned.combination.dataset.name
    if name in known(IAC / "datasets"):
        yield (
            f"'{name}' is a data set of this collection, whose results stand in these "
            "bundles. If yours is another one, choose another name."
        )
    yield (
        f"The {planned.combination.architecture_file} in train and inference is a stand-in, as its "
        "provenance says; the commands below use the one that your search finds."
    )


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument(
        "dataset_dir", metavar="DATA", type=Path, help="the data set's folder, or its datalist"
    )
    parser.add_argument("--name", help="of the data set: letters, digits, _ (the folder's)")
    parser.add_argument(
        "--method",
        choices=tuple(METHODS),
        default=METHOD,
        help="iac: cells for a backbone; dints: the topology of a whole 3-D network (iac)",
    )
    parser.add_argument(
        "--backbone", help=f"one of {', '.join(backbones())} (unet or unet3d, by --dimensions)"
    )
    parser.add_argument(
        "--dimensions",
        choices=DIMENSIONS,
        help="of the network: auto decides as nnU-Net does, both writes bundles of both (2)",
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
    parser.add_argument(
        "--memory", type=float, default=MEMORY, metavar="GB", help="that training may take (8)"
    )
    parser.add_argument("--overwrite", action="store_true", help="replace rendered files")


def run(options: argparse.Namespace) -> None:
    """Write the bundles, print the decisions, and the commands that use them.

    Raises:
        ValueError: if something given is at fault.
        OSError: if the bundles cannot be written.
    """
    spacing = options.in_plane_spacing and tuple(options.in_plane_spacing)
    facts = None
    if options.method == METHOD and options.dimensions in ("auto", "both"):
        facts = read_facts(options.dataset_dir, spacing=spacing, plane=options.slices)
    for network in networks_of(
        options.backbone,
        method=options.method,
        dimensions=options.dimensions,
        facts=facts,
        memory=options.memory,
    ):
        planned = plan_bundles(
            options.dataset_dir,
            name=options.name or name_of_folder(options.dataset_dir),
            network=network,
            out=options.out,
            spacing=spacing,
            plane=options.slices,
            memory=options.memory,
            overwrite=options.overwrite,
            facts=facts,
        )
        _print_commands(planned)


def _print_commands(planned: Planned) -> None:
    bundles, data = bundles_of(planned), planned.dataset_dir
    runs = bundles.stem.parent.parent / "runs" / bundles.name
    stages = make_stages(bundles, data, images=_images(data), out=runs)
    for number, stage in enumerate(stages, start=1):
        print(f"\n# {number}. {stage.title}\n{stage.line()}")
    words = ["iac", "run", str(bundles.stem.with_name(bundles.name)), str(data)]
    print(f"\n# All stages; after a stop, the same command resumes\n{shlex.join(words)}")


def bundles_of(planned: Planned) -> Bundles:
    """Return the bundles that were written."""
    return Bundles(planned.combination.bundles / planned.combination.prefix)


def _images(data: Path) -> Path:
    """Return the folder to segment, as an example: unlabelled images where there are any."""
    folder = data if data.is_dir() else data.parent
    there = [folder / name for name in ("imagesTs", "imagesTr", "images")]
    return next((path for path in there if path.is_dir()), there[-1])


def plan_bundles(
    dataset_dir: Path,
    *,
    name: str,
    network: str,
    out: Path,
    spacing: tuple[float, float] | None = None,
    plane: str | None = None,
    memory: float = MEMORY,
    overwrite: bool = False,
    facts: DatasetFacts | None = None,
) -> Planned:
    """Write the bundles and print what was decided; see :func:`create_bundles`."""
    planned = create_bundles(
        dataset_dir,
        name=name,
        network=network,
        out=out,
        spacing=spacing,
        plane=plane,
        memory=memory,
        overwrite=overwrite,
        facts=facts,
    )
    combination = planned.combination
    print("Written:", *(f"  {combination.root(stage)}" for stage in STAGES), sep="\n")
    print(f"  {planned.plan}")
    print(f"\nDecided from the data set:\n{table(planned.choices)}\n")
    print(
        f"All of it stands in {planned.plan.name}: edit a value there and run iac new again with\n"
        "--overwrite. Or pass a top-level key to a command, such as --batch_size 4; pixdim,\n"
        "field_of_view, patch_size and voxel_values must be the same in all three bundles.\n"
    )
    if planned.differences:
        print("Compared with the plan that was there:")
        print(*(f"- {sentence}" for sentence in planned.differences), sep="\n", end="\n\n")
    print("\n".join(f"- {note}" for note in notes(planned)), flush=True)
    return planned


def _short(value: object) -> str:
    """Return a value on one line of the table."""
    if isinstance(value, dict) and "transforms" in value:
        return ", ".join(map(_short, value["transforms"]))
    if isinstance(value, dict) and "_target_" in value:
        inner = [f"{value[key]:g}" for key in ("a_min", "a_max") if key in value]
        words = ["nonzero"] if value.get("nonzero") else []
        return " ".join([str(value["_target_"]).rpartition(".")[2], *inner, *words])
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= VALUE_WIDTH else f"{text[: VALUE_WIDTH - 3]}..."
