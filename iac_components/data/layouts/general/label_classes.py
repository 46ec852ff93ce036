"""Classes, their values in label maps and their regions, from the field ``labels``.

Both spellings are read: the Decathlon's (``{"0": "background", "1": "liver"}``) and nnU-Net v2's
(``{"background": 0, "liver": 1}``), in which a list of values is a region.

A network tells classes apart that exclude each other. Regions overlap, so the classes are the parts
that they cut each other into; scores are given for the regions. Differs from nnU-Net, whose network
has an output a region.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

__all__ = ["LabelClasses", "classes_of_values", "parse_labels"]

CORRECT = "Correct it in dataset.json."


@dataclass(frozen=True)
class LabelClasses:
    """Foreground classes of a data set.

    Attributes:
        names: of class 1, 2 and so on: lower-case words and underscores.
        values: label values in the files that mean each class.
        regions: region -> the classes that it holds; None where none are stated.
    """

    names: tuple[str, ...]
    values: tuple[tuple[int, ...], ...]
    regions: Mapping[str, tuple[int, ...]] | None = None

    @property
    def label_values(self) -> list[int]:
        """All values that may occur in a label map."""
        return sorted({0, *(value for group in self.values for value in group)})

    @property
    def mapping(self) -> dict[int, int]:
        """Label values that are not their class's number, with that number."""
        return {
            value: number
            for number, group in enumerate(self.values, start=1)
            for value in group
            if value != number
        }


def classes_of_values(values: Sequence[int]) -> LabelClasses:
    """Make classes of bare label values, where no name is stated."""
    found = sorted(value for value in set(values) if value > 0)
    names = ("foreground",) if len(found) == 1 else tuple(f"class_{value}" for value in found)
    return LabelClasses(names, tuple((value,) for value in found))


def parse_labels(labels: object) -> LabelClasses | list[tuple[str, str]]:
    """Read the field; what is wrong with it comes back as (problem, remedy)."""
    if not isinstance(labels, Mapping) or not labels:
        problem = "must be an object of label values and their names, 0 the background"
        return [(f"{problem}, not {str(labels)[:60]!r}", CORRECT)]
    named = _values_and_names(labels)
    if named is None:
        problem = "must give each class a whole number, or a list of them for a region"
        return [(f"{problem}: {str(labels)[:80]}", CORRECT)]
    if problems := [*_wrong_values(named), *_wrong_names(named)]:
        return problems
    regions = [(frozenset(values), _slug(name)) for values, name in named if values != (0,)]
    if all(len(values) == 1 for values, _ in regions) and not _has_lists(labels):
        ordered = sorted((min(values), name) for values, name in regions)
        return LabelClasses(
            tuple(name for _, name in ordered), tuple((value,) for value, _ in ordered)
        )
    return _parts_of_regions(regions)


def _parts_of_regions(regions: Sequence[tuple[frozenset[int], str]]) -> LabelClasses:
    """Cut regions into the parts that exclude each other."""
    parts: dict[frozenset[str], list[int]] = {}
    for value in sorted(set().union(*(values for values, _ in regions))):
        holders = frozenset(name for values, name in regions if value in values)
        parts.setdefault(holders, []).append(value)
    sizes = {name: len(values) for values, name in regions}
    return LabelClasses(
        _part_names(parts, sizes),
        tuple(tuple(values) for values in parts.values()),
        {
            name: tuple(number for number, holders in enumerate(parts, start=1) if name in holders)
            for _, name in regions
        },
    )


def _part_names(
    parts: Mapping[frozenset[str], Sequence[int]], sizes: Mapping[str, int]
) -> tuple[str, ...]:
    """Call each part as the smallest region that holds it, ``_rest`` if that holds more.

    Regions that are not nested may leave two parts with one name; these get all regions' names, and
    their value where even that repeats.
    """
    names: list[str] = []
    for holders, values in parts.items():
        smallest = min(sorted(holders), key=lambda name: sizes[name])
        names.append(smallest if sizes[smallest] == len(values) else f"{smallest}_rest")
    joined = ["_and_".join(sorted(holders)) for holders in parts]
    for repair in (
        joined,
        [f"{name}_{min(part)}" for name, part in zip(joined, parts.values(), strict=True)],
    ):
        counts = Counter(names)
        names = [
            better if counts[name] > 1 else name for name, better in zip(names, repair, strict=True)
        ]
    return tuple(names)


def _has_lists(labels: Mapping[str, object]) -> bool:
    return any(isinstance(value, list) for value in labels.values())


def _values_and_names(labels: Mapping[str, object]) -> list[tuple[tuple[int, ...], str]] | None:
    """Pairs of values and name, in whichever spelling; None if it is neither."""
    if all(key.strip().isdecimal() for key in labels):
        return [((int(key),), str(name)) for key, name in labels.items()]
    found: list[tuple[tuple[int, ...], str]] = []
    for name, given in labels.items():
        values = given if isinstance(given, list) else [given]
        numbers = {value for value in values if isinstance(value, int) and value >= 0}
        if not values or not all(type(value) is int and value >= 0 for value in values):
            return None
        found.append((tuple(sorted(numbers)), str(name)))
    return found


def _wrong_values(named: Sequence[tuple[tuple[int, ...], str]]) -> Iterator[tuple[str, str]]:
    """Yield (problem, remedy) of values without meaning, each once."""
    counts = Counter(values for values, _ in named)
    for values, count in sorted(counts.items()):
        if count > 1:
            yield f"gives the value(s) {_join(values)} more than one name", CORRECT
    if any(0 in values and len(values) > 1 for values, _ in named):
        yield "has a region that holds 0, the background", CORRECT
    if (0,) not in counts:
        yield "lacks the value(s) 0, the background", CORRECT
    if set(counts) <= {(0,)}:
        yield "names no class beside the background", "Add the classes to dataset.json."


def _wrong_names(named: Sequence[tuple[tuple[int, ...], str]]) -> Iterator[tuple[str, str]]:
    """Yield (problem, remedy) of names that would mislead."""
    for values, name in named:
        if values == (0,):
            if "background" not in name.casefold():
                yield (
                    f"calls the value 0 {name[:60]!r}, but 0 must be the background",
                    "Write 'background' in dataset.json, or renumber the label maps.",
                )
        elif _slug(name) == "ignore":
            yield (
                f"calls the value {_join(values)} {name!r}: labels to ignore are not read",
                "Take the entry out, and remove the cases that hold that value.",
            )
        elif not _slug(name):
            yield f"calls the value {_join(values)} {name!r}, which is no class", CORRECT
    names = Counter(_slug(name) for values, name in named if values != (0,))
    if repeated := sorted(name for name, count in names.items() if count > 1):
        yield f"gives several values the name {_join(repeated)}", CORRECT


def _slug(name: str) -> str:
    return re.sub(r"\W+", "_", name.casefold()).strip("_")


def _join(values: Sequence[int] | Sequence[str]) -> str:
    return ", ".join(str(value) for value in values)
