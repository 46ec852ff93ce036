"""The schema of a method's options: one entry a key, what all methods share and what one adds."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from types import MappingProxyType
from typing import cast

__all__ = ["Option", "Uses", "load_options"]

SCHEMAS = Path(__file__).parent / "schemas"
PARTS: Mapping[str, Sequence[str]] = MappingProxyType(
    {
        "iac": ("shared", "iac", "slices"),
        "iac_3d": ("shared", "iac", "volumes"),
        "dints": ("shared", "dints", "volumes"),
        "adapt": ("shared", "adapt"),
    }
)
"""Method to the schemas that its configs follow, the later winning."""

Schema = Mapping[str, object]

Uses = Mapping[str, Sequence[object]]
"""Name of an option to its values, with which another one takes effect."""


@dataclass(frozen=True)
class Option:
    """A top-level key of the configs.

    Attributes:
        name: the key.
        schema: JSON schema of its value. Beside the standard's words it may hold ``kind``:
            ``component`` (an object with ``_target_`` that may be replaced as a whole), ``choice``
            (a name, or such an object), ``group`` (an object of such), ``steps`` (a list of
            expressions), ``path`` or ``device``; ``used_with``, the values of other options with
            which alone it has a use (``own`` stands for an object or a number, ``list`` for a
            list), or a list of such, any of which will do;
            ``default_words``, the default where it is an expression; ``allowed``, where the words
            made from the schema would not do; and ``most``, beyond which a number, or one in a
            list, can only be a slip.
    """

    name: str
    schema: Schema

    @property
    def kind(self) -> str:
        """Kind of the option, ``value`` unless the schema says otherwise."""
        return str(self.schema.get("kind", "value"))

    @property
    def is_value(self) -> bool:
        """True for a plain value, which a user sets and the schema describes."""
        return self.kind in ("value", "path", "device", "choice")

    @cached_property
    def types(self) -> tuple[str, ...]:
        """JSON types of its value."""
        types = self.schema.get("type", ())
        return (types,) if isinstance(types, str) else tuple(cast(list[str], types))

    @property
    def is_switch(self) -> bool:
        """True for a switch, on or off."""
        return self.types == ("boolean",)

    @property
    def is_optional(self) -> bool:
        """True if ``null`` is a value of it."""
        return "null" in self.types

    @property
    def most(self) -> float | None:
        """Largest sensible number; None without such a bound."""
        return cast(float | None, self.schema.get("most"))

    @property
    def used_with(self) -> Sequence[Uses]:
        """Values of other options that it needs to take effect, in each of the ways there are.

        Empty if it needs none.
        """
        ways = self.schema.get("used_with", [])
        return cast("Sequence[Uses]", [ways] if isinstance(ways, Mapping) else ways)

    @property
    def meaning(self) -> str:
        """Description in one sentence."""
        return str(self.schema.get("description", ""))


@cache
def load_options(method: str) -> Mapping[str, Option]:
    """Read the options of a method's configs, by name.

    Args:
        method: ``iac`` (cells, networks of slices), ``iac_3d`` (cells, networks of volumes) or
            ``dints``, or ``adapt`` (adaptation of a downloaded bundle).
    """
    entries: dict[str, Schema] = {}
    for name in PARTS[method]:
        text = (SCHEMAS / f"{name}.json").read_text(encoding="utf-8")
        entries |= cast(dict[str, Schema], json.loads(text)["properties"])
    return MappingProxyType({name: Option(name, schema) for name, schema in entries.items()})
