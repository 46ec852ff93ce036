"""Registries of objects by name, filled by decorators: operations, layouts, parts, phantoms."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

__all__ = ["Registry"]

T = TypeVar("T")


class Registry(dict[str, T]):
    """A dictionary that refuses a name twice, and lists the known names when asked for another.

    Args:
        kind: of the registered objects, in the singular, for messages.
        remedy: for an unknown name, besides choosing a known one.
    """

    def __init__(self, kind: str, *, remedy: str = "") -> None:
        super().__init__()
        self.kind = kind
        self.remedy = remedy

    def register(self, name: str) -> Callable[[T], T]:
        """Return a decorator that registers its object as ``name``.

        Raises:
            ValueError: if the name is taken.
        """

        def decorate(item: T) -> T:
            if name in self:
                raise ValueError(f"{self.kind} '{name}' is registered already.")
            self[name] = item
            return item

        return decorate

    def require(self, name: str) -> T:
        """Return the object registered as ``name``.

        Raises:
            ValueError: if the name is unknown; the message lists the known ones.
        """
        if name not in self:
            raise ValueError(
                f"{self.kind} '{name}' is unknown. Known {self.kind}s: {', '.join(self)}."
                f"{self.remedy}"
            )
        return self[name]

    def names(self) -> tuple[str, ...]:
        """All names, in order of registration."""
        return tuple(self)
