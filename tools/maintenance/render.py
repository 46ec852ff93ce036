"""Render every bundle from ``tools/bundle_sources``; ``--check`` only reports differences."""

from __future__ import annotations

import argparse
import sys

from iac_components.rendering import all_combinations
from iac_components.rendering.combination import write_bundle
from iac_components.rendering.facts import BUNDLES, STAGES


def main() -> int:
    """Render, or check; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="change nothing, fail on differences")
    check = parser.parse_args().check
    combinations = all_combinations()
    different = [
        path
        for combination in combinations
        for stage in STAGES
        for path in write_bundle(combination, stage, check=check)
    ]
    expected = {item.root(stage) for item in combinations for stage in STAGES}
    stray = sorted(path for path in BUNDLES.iterdir() if path not in expected)
    for path in different:
        print(f"{'differs' if check else 'written'}: {path.relative_to(BUNDLES.parent)}")
    for path in stray:
        print(f"no source renders: {path.relative_to(BUNDLES.parent)}")
    return 1 if (check and different) or stray else 0


if __name__ == "__main__":
    sys.exit(main())
