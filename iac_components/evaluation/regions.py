"""Regions that are scored: each class by its own, or unions of classes that may overlap.

BraTS and KiTS are scored in nested regions (whole tumour, tumour core, enhancing tumour), each a
union of label values.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

__all__ = ["scored_regions"]


def scored_regions(
    class_names: Sequence[str], regions: Mapping[str, Sequence[int]] | None = None
) -> dict[str, tuple[int, ...]]:
    """Return the label values of everything that is scored, by name and in order.

    Args:
        class_names: names of the foreground classes; label i + 1 is ``class_names[i]``.
        regions: label values of each region; with None each class is scored by its own.

    Raises:
        ValueError: if ``class_names`` is empty, one string, or holds an empty or repeated name; if
            there is no region, a region has no name or no value, or a value is repeated, no
            integer, or not the label of a class.
    """
    names = [] if isinstance(class_names, str) else list(class_names)
    if not names or not all(names) or len(set(names)) != len(names):
        raise ValueError(
            f"class_names {class_names!r} must list the foreground classes, each name once."
        )
    if regions is None:
        return {name: (value,) for value, name in enumerate(names, start=1)}
    if not isinstance(regions, Mapping) or not regions or not all(regions):
        raise ValueError(
            f"regions {regions!r} must map the name of each region to its label values, "
            "or be null to score each class by its own."
        )
    for name, values in regions.items():
        _check(name, values, names)
    return {name: tuple(values) for name, values in regions.items()}


def _check(name: str, values: object, class_names: Sequence[str]) -> None:
    """Raise ValueError unless ``values`` are labels of classes, each once."""
    known = ", ".join(f"{value} {label}" for value, label in enumerate(class_names, start=1))
    if isinstance(values, str) or not isinstance(values, Sequence) or not values:
        raise ValueError(
            f"region '{name}' must list at least one label value, not {values!r}. "
            f"The classes are {known}."
        )
    for value in values:
        # True is an int to Python, but no label.
        if not isinstance(value, int) or isinstance(value, bool):
            raise ValueError(
                f"region '{name}' holds {value!r}, which is not an integer. "
                f"The classes are {known}."
            )
        if not 1 <= value <= len(class_names):
            raise ValueError(
                f"region '{name}' holds label value {value}, outside 1 to {len(class_names)}. "
                f"The classes are {known}."
            )
    if len(set(values)) != len(values):
        raise ValueError(f"region '{name}' holds a label value twice: {list(values)}.")
