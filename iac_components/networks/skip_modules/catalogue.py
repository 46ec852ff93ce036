"""Registry of the skip modules other than cells."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from iac_components.common.registry import Registry
from iac_components.networks.implanting.skip_connection import MakeSkipModule, SkipConnection

__all__ = [
    "SkipModuleFactory",
    "register_skip_module",
    "registered_skip_modules",
    "skip_module_factory",
]

SkipModuleFactory = Callable[[Sequence[SkipConnection]], MakeSkipModule]
"""``factory(connections)`` is told all skip connections, finest first, and returns the function
that builds the module of one: dense skips reach across levels, the others look at one alone."""

_REGISTRY: Registry[SkipModuleFactory] = Registry("skip module")

register_skip_module = _REGISTRY.register
registered_skip_modules = _REGISTRY.names
skip_module_factory = _REGISTRY.require
