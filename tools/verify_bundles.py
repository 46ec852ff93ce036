"""Check bundles by the model zoo's rules and ours: see ``maintenance/verify.py``."""

from __future__ import annotations

import os
import sys
from pathlib import Path

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
sys.path[0] = str(Path(__file__).resolve().parents[1])

from tools.maintenance.verify import main  # noqa: E402

if __name__ == "__main__":
    sys.exit(main())
