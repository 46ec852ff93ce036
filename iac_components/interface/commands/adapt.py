"""Adapt a downloaded network to a few labelled cases of your scanner, or find it best as it is.

BUNDLE is any inference bundle of the Model Zoo or of this collection; it is only read. CASES holds
2 to 20 labelled cases: a data set in a known layout, or folders images and labels with files of the
same names. Small parts are tried in the frozen network, each judged on patients that it has not
seen; one is used only if its gain is proved. What came of it lies in the output folder: the page
report.html, and the folder adapter for 'iac predict'. Called again, it resumes where it was.
"""

from __future__ import annotations

import argparse
from dataclasses import fields
from pathlib import Path
from typing import cast

from iac_components.adaptation import AdaptSettings, adapt_bundle

__all__ = ["EXAMPLE", "add_arguments", "run"]

EXAMPLE = """
  iac adapt spleen_ct_segmentation my_cases --output_dir runs/site_a
  iac adapt my_bundle my_cases --output_dir runs/site_a --source_dir old_cases --classes liver
"""

MEANINGS = {
    "candidates": "what is tried; + joins kinds, as in norms+cells",
    "compare": "baselines to measure beside them: decoder, everything",
    "budget": "largest share of the network's parameters that is added",
    "max_cost": "largest time of inference with it over the released network's",
    "least_gain": "Dice that the gain's lower bound must exceed",
    "tolerance": "Dice that cases of --source_dir may lose, and within which candidates are equal",
    "alpha": "error of the verdict over all candidates",
    "strengths": "shares of what was trained at which candidates are judged, 1 for all of it",
    "steps": "steps of each training",
    "batch_size": "windows of a step",
    "rate": "factor on every learning rate",
    "draws": "trainings that each result is averaged over",
    "folds": "in which patients are held out, at most",
    "give_up": "Dice behind the best at which a candidate is tried no further; 0 tries all",
    "seed": "of everything that is drawn",
    "amp": "train in bfloat16",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("network_bundle", metavar="BUNDLE", type=Path, help="folder of the bundle")
    parser.add_argument("dataset_dir", metavar="CASES", type=Path, help="labelled cases")
    parser.add_argument("--output_dir", type=Path, required=True, help="for everything written")
    parser.add_argument("--layout", help="of the cases' folder, such as decathlon (found out)")
    parser.add_argument(
        "--source_dir", type=Path, help="cases of the network's own domain, which must not lose"
    )
    parser.add_argument("--classes", nargs="+", metavar="NAME", help="that the site draws (all)")
    parser.add_argument(
        "--genotype_path", type=Path, help="genotype.json of the cells (a small one)"
    )
    parser.add_argument(
        "--unlabelled",
        action="store_true",
        help="CASES is a folder of images alone: estimate norm statistics, without any proof",
    )
    parser.add_argument("--device", help="where to compute (the bundle's)")
    for field in fields(AdaptSettings):
        several = isinstance(field.default, tuple)
        default = (
            " ".join(map(str, cast("tuple[object, ...]", field.default)))
            if several
            else field.default
        )
        text = f"{MEANINGS[field.name]} ({'none' if default == '' else default})"
        if field.name == "amp":
            text = f"{MEANINGS['amp']} (true where the device multiplies it in hardware)"
            parser.add_argument("--amp", choices=("true", "false"), help=text)
        elif field.name == "strengths":
            parser.add_argument("--strengths", nargs="+", type=float, metavar="SHARE", help=text)
        elif several:
            parser.add_argument(f"--{field.name}", nargs="+", metavar="KIND", help=text)
        else:
            parser.add_argument(f"--{field.name}", type=type(field.default), help=text)


def run(options: argparse.Namespace) -> None:
    """Adapt, and print the verdict.

    Raises:
        OSError: if a file cannot be read or written.
        ValueError: if something given is at fault.
    """
    given = {name: value for name, value in vars(options).items() if name != "command"}
    given["amp"] = options.amp and options.amp == "true"
    places = [given.pop(name) for name in ("network_bundle", "dataset_dir", "output_dir")]
    adapt_bundle(*places, **given)
