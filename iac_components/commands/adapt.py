"""Adapt a downloaded network to a few labelled cases of your scanner, or find it best as it is.

BUNDLE is any inference bundle of the Model Zoo or of this collection; it is only read. CASES holds
2 to 20 labelled cases: a data set in a known layout, or folders images and labels with files of the
same names. Small parts are tried in the frozen network, each judged on patients that it has not
seen; one is used only if its gain is proved. What came of it lies in the output folder: the page
report.html, and the folder adapter for 'iac predict'. Called again, it goes on where it was.
"""

from __future__ import annotations

import argparse
from pathlib import Path

__all__ = ["EXAMPLE", "add_arguments", "run"]

EXAMPLE = """
  iac adapt spleen_ct_segmentation my_cases --output_dir runs/site_a
  iac adapt my_bundle my_cases --output_dir runs/site_a --source_dir old_cases --classes liver
"""

SETTINGS = {
    "candidates": (str, "+", "what is tried; + joins kinds, as in norms+cells"),
    "compare": (str, "+", "baselines to measure beside them: decoder, everything"),
    "budget": (float, None, "largest share of the network's parameters that is added (0.05)"),
    "least_gain": (float, None, "Dice that the gain's lower bound must exceed (0)"),
    "tolerance": (float, None, "Dice that cases of --source_dir may lose (0.01)"),
    "alpha": (float, None, "error of the verdict over all candidates (0.05)"),
    "steps": (int, None, "steps of each training (150)"),
    "batch_size": (int, None, "windows of a step (8)"),
    "rate": (float, None, "factor on every learning rate (1)"),
    "draws": (int, None, "trainings that each result is averaged over (1)"),
    "folds": (int, None, "in which patients are held out, at most (5)"),
    "seed": (int, None, "of everything that is drawn (0)"),
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
    parser.add_argument("--genotype", type=Path, help="genotype.json of the cells (a small one)")
    parser.add_argument("--device", help="where to compute (the bundle's)")
    for name, (kind, number, text) in SETTINGS.items():
        if number is None:
            parser.add_argument(f"--{name}", type=kind, help=text)
        else:
            parser.add_argument(f"--{name}", type=kind, nargs=number, metavar="KIND", help=text)


def run(options: argparse.Namespace) -> None:
    """Adapt, and print the verdict.

    Raises:
        OSError: if a file cannot be read or written.
        ValueError: if something given is at fault.
    """
    from iac_components.adaptation.bundles.adapting import adapt_bundle

    given = {name: value for name, value in vars(options).items() if name != "command"}
    places = [given.pop(name) for name in ("network_bundle", "dataset_dir", "output_dir")]
    adapt_bundle(*places, **given)
