"""Render every bundle and their list; ``--check`` only reports differences."""

from __future__ import annotations

import argparse
import sys

from iac_components.bundling.rendering import all_combinations
from iac_components.bundling.rendering.adapt import ADAPT_BUNDLE, write_adapt_bundle
from iac_components.bundling.rendering.combination import write_bundle
from iac_components.bundling.rendering.facts import BUNDLES, STAGES
from iac_components.common.files import write_text
from tools.maintenance.bundle_list import LIST, bundle_list


def main() -> int:
    """Render, or check; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="change nothing, fail on differences")
    return render_all(check=parser.parse_args().check)


def render_all(*, check: bool = False) -> int:
    """Render every bundle and their list, and say what was written; returns the exit status.

    Args:
        check: write nothing, and count differences as failure.
    """
    combinations = all_combinations()
    different = [
        path
        for combination in combinations
        for stage in STAGES
        for path in write_bundle(combination, stage, check=check)
    ]
    different += write_adapt_bundle(check=check)
    page, text = BUNDLES / LIST, bundle_list(BUNDLES)
    if not page.exists() or page.read_text(encoding="utf-8") != text:
        different.append(page)
        if not check:
            write_text(page, text)
    expected = {page, BUNDLES / ADAPT_BUNDLE} | {
        item.root(stage) for item in combinations for stage in STAGES
    }
    stray = sorted(path for path in BUNDLES.iterdir() if path not in expected)
    for path in different:
        print(f"{'differs' if check else 'written'}: {path.relative_to(BUNDLES.parent)}")
    for path in stray:
        print(f"no source renders: {path.relative_to(BUNDLES.parent)}")
    return 1 if (check and different) or stray else 0


if __name__ == "__main__":
    sys.exit(main())
