"""What memory there is, and an early word if it will not do."""

from __future__ import annotations

from pathlib import Path

__all__ = ["available_memory", "require_memory"]

_MEMINFO = Path("/proc/meminfo")


def available_memory() -> int | None:
    """Return the bytes that can be had without swapping, or None where Linux is not.

    The kernel's own estimate: ``os.sysconf`` tells free pages only, which on a machine that has
    just read a dataset are few, since the file cache has taken the rest until someone needs it.
    """
    try:
        lines = _MEMINFO.read_text(encoding="ascii").splitlines()
    except OSError:
        return None
    for line in lines:
        if line.startswith("MemAvailable:"):
            return int(line.split()[1]) * 1024
    return None


def require_memory(needed: float) -> None:
    """Raise unless nine tenths of the available memory hold ``needed`` bytes.

    Raises:
        RuntimeError: if they do not. Without it the system would end the process, without a word.
    """
    available = available_memory()
    if available is not None and needed > 0.9 * available:
        raise RuntimeError(
            f"the volumes that are still to be read need about {needed / 1e9:.1f} GB of memory, "
            f"and {available / 1e9:.1f} GB are available. Set cache_dir to a folder with that much "
            "space, and they are kept there."
        )
