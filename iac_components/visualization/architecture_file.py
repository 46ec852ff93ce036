"""Reading the topology to draw from a DiNTS ``architecture.json``, as plain data.

The full check of an architecture belongs to the search; here only what a picture needs is read,
because pictures are made from files alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from iac_components.common.files import Fields
from iac_components.visualization.json_content import read_content

__all__ = ["ChosenPath", "DrawnTopology", "read_topology"]

KIND = "dints"


@dataclass(frozen=True)
class ChosenPath:
    """A path of an architecture: ``operation`` from depth ``source`` into depth ``target``."""

    block: int
    source: int
    target: int
    operation: str


@dataclass(frozen=True)
class DrawnTopology:
    """What a picture shows of an architecture of L blocks and D depths.

    Attributes:
        num_blocks: L.
        num_depths: D resolutions, 0 the finest.
        use_downsample: whether the finest resolution is half that of the image.
        operations: names of every operation a path could have had (for colours).
        paths: the chosen paths in order of block.
        provenance: the numbers of the file's provenance; those of an object in it have its name
            and a dot before theirs, as in ``memory.budget_gigabytes``.
    """

    num_blocks: int
    num_depths: int
    use_downsample: bool
    operations: tuple[str, ...]
    paths: tuple[ChosenPath, ...]
    provenance: Mapping[str, float] = field(default_factory=dict)


def read_topology(path: str | Path) -> DrawnTopology:
    """Read the chosen paths of an architecture.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: naming the file and the field that is missing or wrong.
    """
    what = "architecture; a DiNTS search writes it as architecture.json"
    return read_content(path, _parse, what=what)


def _parse(top: Fields) -> DrawnTopology:
    if top.string("kind") != KIND:
        raise ValueError(f"kind must be '{KIND}', got {top.string('kind')!r}")
    space, blocks = top.child("search_space"), top.children("blocks")
    num_blocks, num_depths = space.integer("num_blocks"), space.integer("num_depths")
    if len(blocks) != num_blocks or not blocks:
        raise ValueError(f"blocks holds {len(blocks)} of search_space.num_blocks = {num_blocks}")
    provenance = top.child("provenance").values if "provenance" in top.values else {}
    return DrawnTopology(
        num_blocks=num_blocks,
        num_depths=num_depths,
        use_downsample=space.boolean("use_downsample"),
        operations=space.strings("operations"),
        paths=tuple(
            _path(fields, block, num_depths)
            for block, block_fields in enumerate(blocks)
            for fields in block_fields.children("paths")
        ),
        provenance=_numbers(provenance),
    )


def _numbers(values: Mapping[str, object], prefix: str = "") -> dict[str, float]:
    found: dict[str, float] = {}
    for name, value in values.items():
        if isinstance(value, dict) and not prefix:
            found |= _numbers(value, f"{name}.")
        elif isinstance(value, int | float) and not isinstance(value, bool):
            found[prefix + name] = value
    return found


def _path(fields: Fields, block: int, num_depths: int) -> ChosenPath:
    source, target = fields.integer("source"), fields.integer("target")
    for name, depth in (("source", source), ("target", target)):
        if not 0 <= depth < num_depths:
            raise ValueError(f"{fields.name(name)} must be 0 to {num_depths - 1}, got {depth}")
    if abs(source - target) > 1:
        raise ValueError(f"{fields.name('target')} is {target}, no neighbour of depth {source}")
    return ChosenPath(block, source, target, fields.string("operation"))
