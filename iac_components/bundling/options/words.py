"""Description of a schema in words, for messages and for the table of options."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import cast

__all__ = ["allowed_words"]

Schema = Mapping[str, object]

_NOUNS = {
    "integer": ("a whole number", "whole numbers"),
    "number": ("a number", "numbers"),
    "string": ("text", "texts"),
    "boolean": ("true or false", "of true or false"),
    "null": ("null", "nulls"),
    "object": ("an object", "objects"),
    "array": ("a list", "lists"),
}


def allowed_words(schema: Schema, *, plural: bool = False) -> str:
    """Describe the allowed values of a schema: ``a list of 2 whole numbers of at least 1``."""
    if "allowed" in schema:
        return str(schema["allowed"])
    if "const" in schema:
        return str(schema["const"])
    if "enum" in schema:
        return " or ".join(str(value) for value in cast(Sequence[object], schema["enum"]))
    if "anyOf" in schema:
        choices = cast(Sequence[Schema], schema["anyOf"])
        return " or ".join(allowed_words(choice, plural=plural) for choice in choices)
    types = schema["type"]
    names = [types] if isinstance(types, str) else cast(list[str], types)
    return " or ".join(_typed(name, schema, plural=plural) for name in names)


def _typed(name: str, schema: Schema, *, plural: bool) -> str:
    noun = _NOUNS[name][plural]
    if name in ("integer", "number"):
        return f"{noun}{_range(schema)}"
    if name == "array" and "items" in schema:
        return (
            f"{noun} of {_count(schema)}{allowed_words(cast(Schema, schema['items']), plural=True)}"
            + (", each once" if schema.get("uniqueItems") else "")
        )
    if name == "object" and "additionalProperties" in schema:
        members = allowed_words(cast(Schema, schema["additionalProperties"]))
        return f"{noun} of names, each with {members}"
    return noun


def _range(schema: Schema) -> str:
    least, most = schema.get("minimum"), schema.get("maximum")
    above, below = schema.get("exclusiveMinimum"), schema.get("exclusiveMaximum")
    if least is not None and most is not None:
        return f" from {least} to {most}"
    words = [
        f"{text} {value}"
        for text, value in (
            ("of at least", least),
            ("above", above),
            ("of at most", most),
            ("below", below),
        )
        if value is not None
    ]
    return f" {' and '.join(words)}" if words else ""


def _count(schema: Schema) -> str:
    least, most = schema.get("minItems"), schema.get("maxItems")
    if least is not None and least == most:
        return f"{least} "
    return f"{least} or more " if least else ""
