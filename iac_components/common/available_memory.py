"""Available memory of a device, and a check that volumes fit into the machine's."""

from __future__ import annotations

import psutil
import torch

__all__ = ["available_memory", "require_memory"]


def available_memory(device: str | torch.device = "cpu") -> int:
    """Return the bytes of a GPU that are free, or those of RAM that are available.

    Of RAM those without swapping, by the system's own estimate: free pages are few on a machine
    that has just read a dataset, since the file cache has taken the rest until someone needs it.
    """
    if torch.device(device).type == "cuda":
        return int(torch.cuda.mem_get_info(device)[0])
    return int(psutil.virtual_memory().available)


def require_memory(needed: float) -> None:
    """Raise unless nine tenths of the available memory hold ``needed`` bytes.

    Raises:
        RuntimeError: if they do not. Without it the system would end the process, without a word.
    """
    available = available_memory()
    if needed > 0.9 * available:
        raise RuntimeError(
            f"the volumes that are still to be read need about {needed / 1e9:.1f} GB of memory, "
            f"and {available / 1e9:.1f} GB are available. Set cache_dir to a folder with that much "
            "space, and they are kept there."
        )
