"""Check bundles by the model zoo's rules and ours; ``--quick`` runs tiny networks in one process.

Prints a line for every fault as it is found, then a table of bundles and checks. Exit status 0:
all is well; 1: there are faults; 2: a name or a file is unknown.
"""

from __future__ import annotations

import argparse
import logging
import os
import sys
import tempfile
import warnings
from collections.abc import Sequence
from pathlib import Path

from tqdm import tqdm

from tools.maintenance.verification import (
    CHECKS,
    Outcome,
    UnknownBundleError,
    Workbench,
    find_bundles,
    run_check,
)
from tools.maintenance.verification.runners import CommandLine, ThisProcess
from tools.maintenance.verification.workbench import ROOT

SCHEMA = Path("schema") / "meta_schema_20240725.json"


def find_schema(given: Path | None) -> Path | None:
    """Find the schema file: as given, of ``IAC_SCHEMA``, or below ``IAC_SHARED`` if it is there.

    Raises:
        FileNotFoundError: if a file that was asked for does not exist.
    """
    asked = given or (Path(os.environ["IAC_SCHEMA"]) if "IAC_SCHEMA" in os.environ else None)
    if asked is not None:
        if not asked.is_file():
            raise FileNotFoundError(f"schema file '{asked}' does not exist.")
        return asked.absolute()
    shared = Path(os.environ.get("IAC_SHARED", ROOT.parent / "shared")) / SCHEMA
    return shared if shared.is_file() else None


def table(outcomes: Sequence[Outcome]) -> str:
    """Bundles down, checks across, in each cell ``ok``, ``FAILED`` or ``skipped``."""
    checks = list(dict.fromkeys(outcome.check for outcome in outcomes))
    bundles = list(dict.fromkeys(outcome.bundle for outcome in outcomes))
    words = {(outcome.bundle, outcome.check): outcome.word for outcome in outcomes}
    first = max(len(name) for name in ("bundle", *bundles))
    widths = [max(len(check), len("skipped")) for check in checks]
    rows = [["bundle", *checks], *([b, *(words[b, check] for check in checks)] for b in bundles)]
    return "\n".join(
        "  ".join(
            cell.ljust(width) for cell, width in zip(row, (first, *widths), strict=True)
        ).rstrip()
        for row in rows
    )


def verify(names: Sequence[str], folder: Path, workbench: Workbench, checks: Sequence[str]) -> int:
    """Run the checks, print their outcomes; returns the exit status."""
    bundles = find_bundles(names, folder)
    outcomes = []
    with tqdm(total=len(bundles) * len(checks), unit="check", file=sys.stderr) as progress:
        for bundle in bundles:
            for check in checks:
                progress.set_description(f"{bundle.combination} {bundle.stage} {check}")
                outcomes.append(run_check(check, bundle, workbench))
                for fault in outcomes[-1].faults:
                    progress.write(f"{bundle.name}: {check}: {fault}", file=sys.stderr)
                progress.update()
    print(table(outcomes))
    reasons = {outcome.skipped: outcome.check for outcome in outcomes if outcome.word == "skipped"}
    for reason, check in reasons.items():
        print(f"skipped: {check}: {reason}")
    faults = [
        f"{outcome.bundle}: {outcome.check}: {fault}"
        for outcome in outcomes
        for fault in outcome.faults
    ]
    print("\n".join(["", f"{len(faults)} faults in {len(bundles)} bundles.", *faults]))
    return 1 if faults else 0


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the tool; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help="a bundle, acdc_unet or acdc")
    parser.add_argument("--quick", action="store_true", help="tiny networks, in this process")
    parser.add_argument("--schema", type=Path, help="MONAI's schema of metadata")
    parser.add_argument("--bundles_dir", type=Path, default=ROOT / "bundles")
    parser.add_argument(
        "--checks",
        nargs="+",
        choices=CHECKS.names(),
        default=CHECKS.names(),
        metavar="CHECK",
        help=f"only these of {', '.join(CHECKS)}",
    )
    options = parser.parse_args(arguments)
    warnings.filterwarnings("ignore")
    logging.disable(logging.WARNING)
    try:
        with tempfile.TemporaryDirectory(prefix="verify_bundles_") as scratch:
            workbench = Workbench(
                Path(scratch).resolve(),
                budget="quick" if options.quick else "full",
                runner=ThisProcess() if options.quick else CommandLine(),
                schema=find_schema(options.schema),
            )
            folder = options.bundles_dir.absolute()
            return verify(options.names, folder, workbench, options.checks)
    except (UnknownBundleError, FileNotFoundError) as error:
        print(f"verify_bundles: error: {error}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
