"""Command line: ``python -m iac_components.nnunet plans|search|trainers``."""

from __future__ import annotations

import argparse
import dataclasses
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from iac_components.nnunet.plans.options import SearchOptions, TrainingOptions, read_options
from iac_components.nnunet.plans.reading import read_plans
from iac_components.nnunet.plans.writing import write_cell_plans, write_search_plans

__all__ = ["main"]

PROGRAM = "python -m iac_components.nnunet"
TRAINERS = Path(__file__).with_name("trainers")


def main(arguments: Sequence[str] | None = None) -> None:
    """Write plans, or tell where the trainers are.

    Args:
        arguments: those of the command line if None.

    Raises:
        SystemExit: with status 2 and one line on stderr if a file or an option is at fault.
    """
    parser = _parser()
    options = parser.parse_args(arguments)
    try:
        _COMMANDS[options.command](options)
    except ImportError as error:
        parser.error(f'{error}: install nnU-Net (pip install "iac_components[nnunet]").')
    except (OSError, ValueError) as error:
        parser.error(" ".join(str(error).split("\n")))


def _plans(options: argparse.Namespace) -> None:
    given = _given(options, TrainingOptions)
    training = read_options(TrainingOptions, given) if given else None
    chosen = write_cell_plans(
        options.plans,
        options.genotype,
        options.target,
        configurations=options.configuration,
        channel_divisor=options.channel_divisor,
        training=training,
    )
    _tell(options, chosen, trainer="nnUNetTrainerIAC" if training else None)


def _search(options: argparse.Namespace) -> None:
    chosen = write_search_plans(
        options.plans,
        options.target,
        configurations=options.configuration,
        options=read_options(SearchOptions, _given(options, SearchOptions)),
    )
    _tell(options, chosen, trainer="nnUNetTrainerIACSearch")


def _trainers(_: argparse.Namespace) -> None:
    print(TRAINERS)


_COMMANDS = {"plans": _plans, "search": _search, "trainers": _trainers}


def _tell(
    options: argparse.Namespace, configurations: Sequence[str], *, trainer: str | None
) -> None:
    """Print the file, and the command that trains by it."""
    print(options.target)
    dataset = read_plans(options.plans)["dataset_name"]
    plans = Path(options.target).stem
    command = f"nnUNetv2_train {dataset} {configurations[0]} FOLD -p {plans}"
    if trainer is not None:
        command = f'nnUNet_extTrainer="{TRAINERS}" {command} -tr {trainer}'
    print(command, file=sys.stderr)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog=PROGRAM, description="Cells inside nnU-Net v2.")
    commands = parser.add_subparsers(dest="command", required=True)
    plans = commands.add_parser("plans", help="write plans whose network holds a found cell")
    plans.add_argument("plans", metavar="PLANS.json", help="made by nnU-Net")
    plans.add_argument("genotype", metavar="GENOTYPE.json", help="the found cell")
    _add_target(plans)
    plans.add_argument(
        "--channel_divisor", type=int, default=1, help="K of the search for narrow cells"
    )
    plans.add_argument(
        "--frozen", dest="frozen", action="store_true", default=None, help="train the cells alone"
    )
    _add_fields(plans, TrainingOptions, but=("frozen",))
    search = commands.add_parser("search", help="write plans of a search")
    search.add_argument("plans", metavar="PLANS.json", help="by which the network was trained")
    _add_target(search)
    _add_fields(search, SearchOptions)
    commands.add_parser("trainers", help="print the folder for nnUNet_extTrainer")
    return parser


def _add_target(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("target", metavar="NEW.json", help="file to write")
    parser.add_argument(
        "--configuration", action="append", default=[], help="such as 2d; may be repeated"
    )


def _add_fields(parser: argparse.ArgumentParser, kind: type, *, but: Sequence[str] = ()) -> None:
    for field in dataclasses.fields(kind):
        if field.name not in but:
            parser.add_argument(f"--{field.name}", help=f"default: {field.default}")


def _given(options: argparse.Namespace, kind: type) -> dict[str, object]:
    """Return the options that were given; JSON becomes what it means, other words stay text."""
    values = {field.name: getattr(options, field.name) for field in dataclasses.fields(kind)}
    paths = ("weights", "groups")
    return {
        name: str(Path(value).absolute()) if name in paths else _read(value)
        for name, value in values.items()
        if value is not None
    }


def _read(value: object) -> object:
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except ValueError:
        return value


if __name__ == "__main__":
    main()
