"""The command ``iac``, also as ``python -m iac_components``."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; returns the exit status.

    Args:
        arguments: those of the command line if None.
    """
    # Read when torch is loaded. Threads that spin while they wait cost a busy machine a factor of
    # ten and an idle one nothing that shows.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    from iac_components.interface.program import run

    return run(sys.argv[1:] if arguments is None else arguments)


if __name__ == "__main__":
    sys.exit(main())
