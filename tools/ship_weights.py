"""Put trained weights into an inference bundle: flat, with their sum, record and scores."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path[0] = str(Path(__file__).resolve().parents[1])

from tools.maintenance.ship import main  # noqa: E402

if __name__ == "__main__":
    sys.exit(main())
