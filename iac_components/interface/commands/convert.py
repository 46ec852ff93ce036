"""Turn a pickled DiNTS architecture (model zoo, Auto3DSeg) into JSON, without running its code."""

from __future__ import annotations

import argparse

from iac_components.dints.old_files import add_arguments, convert

__all__ = ["EXAMPLE", "add_arguments", "run"]

EXAMPLE = """
  iac convert search_code_18590.pt architecture.json --channel_mul 0.5
"""


def run(options: argparse.Namespace) -> None:
    """Convert, and print the new file's path.

    Raises:
        OSError: if a file cannot be read or written.
        ValueError: if the old file is no architecture, or an option is at fault.
    """
    print(convert(options))
