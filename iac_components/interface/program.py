"""Choice of the command, its help, and one line for bad input."""

from __future__ import annotations

import argparse
import importlib
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import cast

import iac_components
from iac_components.interface.running.errors import StageError

__all__ = ["COMMANDS", "add_command", "run"]

COMMANDS = {
    "new": "write the bundles for a data set of your own",
    "run": "from a data set to label maps: plan, backbone, search, training, evaluation, inference",
    "demo": "all stages within minutes, on the package's own data",
    "adapt": "fit a downloaded network to your scanner with a few labelled cases, or keep it",
    "predict": "segment images with a downloaded network and an adapter",
    "export": "write a downloaded network with its adapter as a bundle, TorchScript or ONNX",
    "evaluate": "score a folder of label maps, or a network on a labelled data set as a whole",
    "ensemble": "average networks of several runs, such as 2-D and 3-D, and score the average",
    "compare": "compare evaluated runs, paired by patient",
    "plot": "draw a search and its result",
    "package": "pack bundles into self-contained zips",
    "convert": "turn a pickled DiNTS architecture into JSON",
}
"""Summaries of the commands; each command is the module of the same name."""

DESCRIPTION = "Small adaptive cells for the skip connections of segmentation networks."
EPILOG = """examples:
  iac demo
  iac new my_data --name liver --backbone unet
  iac run own_bundles/liver_unet my_data
  iac compare plain=runs/a/evaluate cell=runs/b/evaluate

For everything else run a bundle: python -m monai.bundle run --config_file ...
"""


@dataclass(frozen=True)
class _Command:
    """A command's module.

    Attributes:
        add_arguments: adds the command's arguments to a parser.
        run: does it; may return an exit status.
        description: first paragraph of its help.
        example: commands to copy.
    """

    add_arguments: Callable[[argparse.ArgumentParser], None]
    run: Callable[[argparse.Namespace], int | None]
    description: str
    example: str


def run(arguments: Sequence[str]) -> int:
    """Run a command; returns the exit status: 0, 1 for a stage's own, 2 for bad input."""
    parser, chosen = _parser(arguments)
    try:
        options = parser.parse_args(arguments)
    except SystemExit as leave:
        return int(leave.code or 0)
    if chosen is None:
        parser.print_help()
        return 0
    try:
        return chosen.run(options) or 0
    except StageError as error:
        print(f"\n{error}", file=sys.stderr)
        return error.status
    except KeyboardInterrupt:
        return 130
    except (ValueError, OSError, RuntimeError) as error:
        message = _message(error)
        if message is None or os.environ.get("IAC_TRACEBACK"):
            raise
        print(f"iac {options.command}: error: {message}", file=sys.stderr)
        return 2


def _message(error: BaseException) -> str | None:
    """Return the message for an error; None for a bug, which keeps its traceback."""
    # Imports MONAI, which help and version do without.
    from iac_components.common.console.brief_errors import brief_message

    brief = brief_message(error)
    if brief is not None:
        return brief.partition(": ")[2]
    return str(error) if isinstance(error, OSError) else None


def _parser(arguments: Sequence[str]) -> tuple[argparse.ArgumentParser, _Command | None]:
    """Build the parser; of the commands only the chosen one's module is imported."""
    parser = argparse.ArgumentParser(
        prog="iac",
        description=DESCRIPTION,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=iac_components.__version__)
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", title="commands")
    wanted = next((word for word in arguments if not word.startswith("-")), None)
    chosen = None
    for name, summary in COMMANDS.items():
        if name != wanted:
            commands.add_parser(name, help=summary)
            continue
        chosen = _load(name)
        inner = commands.add_parser(name, help=summary)
        _describe(inner, chosen)
    return parser, chosen


def add_command(name: str) -> argparse.ArgumentParser:
    """Build the parser of one command alone, for tests and documentation."""
    parser = argparse.ArgumentParser(prog=f"iac {name}")
    _describe(parser, _load(name))
    return parser


def _describe(parser: argparse.ArgumentParser, command: _Command) -> None:
    parser.description = command.description
    parser.epilog = f"example:\n{command.example.strip(chr(10))}"
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    command.add_arguments(parser)


def _load(name: str) -> _Command:
    module = importlib.import_module(f"iac_components.interface.commands.{name}")
    return _Command(
        module.add_arguments, module.run, str(module.__doc__).rstrip(), cast(str, module.EXAMPLE)
    )
