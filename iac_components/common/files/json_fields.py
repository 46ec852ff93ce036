"""Reading of a JSON file's fields: each missing or wrong one is named by its place."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace

__all__ = ["Fields"]


@dataclass(frozen=True)
class Fields:
    """The fields of one JSON object of a file, read by name and type.

    Attributes:
        values: from the JSON parser.
        where: place of the object in the file, as in ``nodes[1].edges[0]``; empty at the top.
        error: class of the exception to raise.
    """

    values: Mapping[str, object]
    where: str
    error: type[ValueError]

    @classmethod
    def of(cls, content: object, *, error: type[ValueError], where: str = "") -> Fields:
        """Wrap ``content``, which must be a JSON object.

        Raises:
            ValueError: of class ``error``, as by every method here, if it is something else.
        """
        if not isinstance(content, dict):
            raise error(
                f"{where or 'the file'} must be a JSON object, got {type(content).__name__}."
            )
        return cls(content, where, error)

    def name(self, key: str) -> str:
        """Place of a field in the file."""
        return f"{self.where}.{key}" if self.where else key

    def get(self, key: str) -> object:
        """Return the value of a required field."""
        if key not in self.values:
            raise self.error(f"field '{self.name(key)}' is missing.")
        return self.values[key]

    def child(self, key: str) -> Fields:
        """Read a field that is an object."""
        return Fields.of(self.get(key), error=self.error, where=self.name(key))

    def children(self, key: str) -> tuple[Fields, ...]:
        """Read a field that is a list of objects."""
        return tuple(
            Fields.of(value, error=self.error, where=f"{self.name(key)}[{position}]")
            for position, value in enumerate(self.items(key))
        )

    def items(self, key: str) -> list[object]:
        """Read a field that is a list."""
        value = self.get(key)
        if not isinstance(value, list):
            raise self.error(f"{self.name(key)} must be a list, got {type(value).__name__}.")
        return value

    def integer(self, key: str) -> int:
        """Read a field that is a whole number; 1.0 and true are none."""
        value = self.get(key)
        if not isinstance(value, int) or isinstance(value, bool):
            raise self.error(f"{self.name(key)} must be an integer, got {value!r}.")
        return value

    def number(self, key: str) -> float:
        """Read a field that is a finite number (Python's parser takes NaN and Infinity too)."""
        value = self.get(key)
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            raise self.error(f"{self.name(key)} must be a number, got {value!r}.")
        # Compared before it is converted: a JSON integer may be larger than any float.
        if not abs(value) <= sys.float_info.max:
            raise self.error(f"{self.name(key)} must be a finite number, got {value!r}.")
        return float(value)

    def boolean(self, key: str) -> bool:
        """Read a field that is true or false."""
        value = self.get(key)
        if not isinstance(value, bool):
            raise self.error(f"{self.name(key)} must be true or false, got {value!r}.")
        return value

    def string(self, key: str) -> str:
        """Read a field that is a string."""
        value = self.get(key)
        if not isinstance(value, str):
            raise self.error(f"{self.name(key)} must be a string, got {value!r}.")
        return value

    def strings(self, key: str) -> tuple[str, ...]:
        """Read a field that is a list of strings."""
        return tuple(replace(self, values={key: v}).string(key) for v in self.items(key))

    def integers(self, key: str) -> tuple[int, ...]:
        """Read a field that is a list of whole numbers."""
        return tuple(replace(self, values={key: v}).integer(key) for v in self.items(key))

    def require_version(self, *supported: int) -> int:
        """Check ``schema_version`` and return it."""
        version = self.integer("schema_version")
        if version not in supported:
            raise self.error(
                f"schema_version is {version}, this package reads "
                f"{' and '.join(map(str, supported))}. Upgrade iac_components or search again."
            )
        return version

    def require_digest(self, digest: str, *, of: str) -> None:
        """Check ``digest``, if the file has one, against that of its content."""
        if "digest" in self.values and self.values["digest"] != digest:
            raise self.error(
                f"digest is {self.values['digest']!r}, but the {of}'s is '{digest}': the file was "
                "changed after the search. Remove the digest field to use it all the same."
            )
