"""Names that bundles had in earlier versions, for whoever still types them."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

__all__ = ["present_name"]

_FORMER: Mapping[str, str] = MappingProxyType({"hepatic_vessel": "hepaticvessel"})
"""MONAI's listings of bundles cut a name at ``_v``."""


def present_name(name: str) -> str:
    """Return the name that a bundle, or the beginning of its name, has now.

    Args:
        name: as typed, such as ``hepatic_vessel_dints``.
    """
    for former, present in _FORMER.items():
        if f"{name}_".startswith(f"{former}_"):
            return present + name.removeprefix(former)
    return name
