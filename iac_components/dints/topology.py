"""The discrete architecture that a DiNTS search found, and its file, ``architecture.json``."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from iac_components.common.files import Fields, read_json, write_json
from iac_components.dints.topology_grid import DintsSpace

__all__ = [
    "KIND",
    "SCHEMA_VERSION",
    "ActivePath",
    "ArchitectureError",
    "DintsArchitecture",
    "load_architecture",
    "parse_architecture",
    "save_architecture",
]

SCHEMA_VERSION = 1
"""Version of the file format that this package writes, and the newest it reads."""

KIND = "dints"
"""Tells the file from a cell's ``genotype.json``."""

MAX_BYTES = 1_000_000
"""The largest space needs a tenth of it; anything larger is another file or an attack."""


class ArchitectureError(ValueError):
    """An architecture that cannot be used; the message names the field at fault."""


class ActivePath(NamedTuple):
    """A path of a block that is kept, from depth to depth, with its one operation."""

    source: int
    target: int
    operation: str


@dataclass(frozen=True)
class DintsArchitecture:
    """The active paths of every block, their space and where they came from.

    Attributes:
        space: the space it was chosen from.
        blocks: L blocks; the paths of a block are sorted into the order of ``space.paths``, so
            that equal architectures compare equal.
        provenance: JSON values: dataset, seed, epochs, budget, versions.

    Raises:
        ArchitectureError: if the number of blocks is wrong, a block has no path, a path or an
            operation is not part of the space or a path is listed twice, or if a block does not
            start from exactly the depths where the one before it ends (a node would be computed
            in vain, or read without a value).

    Example:
        >>> len(topology.blocks) == topology.space.num_blocks
        True
    """

    space: DintsSpace
    blocks: tuple[tuple[ActivePath, ...], ...]
    provenance: Mapping[str, object] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if len(self.blocks) != self.space.num_blocks:
            raise ArchitectureError(
                f"blocks must hold {self.space.num_blocks} blocks (search_space.num_blocks), "
                f"found {len(self.blocks)}."
            )
        for block, paths in enumerate(self.blocks):
            self._check_block(paths, f"blocks[{block}]")
        row = {ends: row for row, ends in enumerate(self.space.paths)}
        ordered = tuple(tuple(sorted(b, key=lambda path: row[path[:2]])) for b in self.blocks)
        object.__setattr__(self, "blocks", ordered)
        for block, (before, after) in enumerate(pairwise(ordered)):
            ends, starts = {path.target for path in before}, {path.source for path in after}
            if ends != starts:
                raise ArchitectureError(
                    f"blocks[{block + 1}].paths start from depths {sorted(starts)}, but "
                    f"blocks[{block}].paths end in depths {sorted(ends)}: they must be the same."
                )

    def _check_block(self, paths: tuple[ActivePath, ...], where: str) -> None:
        if not paths:
            raise ArchitectureError(f"{where}.paths is empty: a block needs at least one path.")
        seen = set()
        for position, path in enumerate(paths):
            at, ends = f"{where}.paths[{position}]", path[:2]
            if ends not in self.space.paths:
                raise ArchitectureError(
                    f"{at} leads from depth {path.source} to {path.target}: depths are 0 to "
                    f"{self.space.num_depths - 1} and a path changes by one at most."
                )
            if path.operation not in self.space.operations:
                raise ArchitectureError(
                    f"{at}.operation '{path.operation}' is not in search_space.operations "
                    f"{list(self.space.operations)}."
                )
            if ends in seen:
                raise ArchitectureError(f"{at} is the same path as an earlier one of the block.")
            seen.add(ends)

    @classmethod
    def from_arrays(
        cls,
        space: DintsSpace,
        paths: ArrayLike,
        operations: ArrayLike,
        *,
        provenance: Mapping[str, object] | None = None,
    ) -> DintsArchitecture:
        """Return the arrays that MONAI's ``TopologyInstance`` is built from.

        Args:
            space: the space they are of.
            paths: (L, P), 1 for an active path and else 0; MONAI's ``arch_code_a``.
            operations: (L, P) indices into ``space.operations``; MONAI's ``arch_code_c``. Those
                of inactive paths are not used, but must be indices all the same.
            provenance: JSON values.

        Raises:
            ArchitectureError: if a shape or value is wrong, and as the class.
        """
        active = _codes("paths (MONAI's arch_code_a)", paths, space, 2)
        chosen = _codes(
            "operations (MONAI's arch_code_c)", operations, space, len(space.operations)
        )
        blocks = tuple(
            tuple(
                ActivePath(*ends, space.operations[operation])
                for ends, on, operation in zip(space.paths, *rows, strict=True)
                if on
            )
            for rows in zip(active.tolist(), chosen.tolist(), strict=True)
        )
        return cls(space, blocks, provenance or {})

    @property
    def path_mask(self) -> NDArray[np.bool_]:
        """(L, P), whether a path is active."""
        kept = [{path[:2] for path in block} for block in self.blocks]
        return np.array([[ends in block for ends in self.space.paths] for block in kept])

    @property
    def operation_indices(self) -> NDArray[np.int64]:
        """(L, P) indices into ``space.operations``, 0 where the path is inactive."""
        index = self.space.operations.index
        kept = [{path[:2]: index(path.operation) for path in block} for block in self.blocks]
        return np.array([[block.get(ends, 0) for ends in self.space.paths] for block in kept])

    @property
    def choices(self) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.int64]]:
        """Block, row and operation of every active path: an index into (L, P, O) arrays."""
        blocks, rows = self.path_mask.nonzero()
        return blocks, rows, self.operation_indices[blocks, rows]

    def lives_in(self, alive: NDArray[np.bool_]) -> bool:
        """Return True if all of its paths and operations are in the mask ``alive`` (L, P, O)."""
        return bool(alive[self.choices].all())

    def fills(self, alive: NDArray[np.bool_]) -> bool:
        """Return True if it is exactly the mask ``alive`` (L, P, O)."""
        return self.lives_in(alive) and int(alive.sum()) == sum(map(len, self.blocks))

    @property
    def node_activations(self) -> tuple[tuple[int, ...], ...]:
        """L + 1 columns of D numbers: 1 where a node is used, from the first block's sources on."""
        columns = [{path.source for path in self.blocks[0]}]
        columns += [{path.target for path in block} for block in self.blocks]
        return tuple(
            tuple(int(depth in column) for depth in range(self.space.num_depths))
            for column in columns
        )

    @property
    def digest(self) -> str:
        """SHA-256 of the architecture alone: equal architectures have equal digests."""
        canonical = json.dumps(self.architecture(), sort_keys=True, separators=(",", ":"))
        return "sha256:" + hashlib.sha256(canonical.encode("utf-8")).hexdigest()

    def architecture(self) -> dict[str, object]:
        """Return the search space and the blocks as JSON values, without the provenance."""
        return {
            "search_space": self.space.content(),
            "blocks": [{"paths": [path._asdict() for path in block]} for block in self.blocks],
        }

    def content(self) -> dict[str, object]:
        """Return the JSON values of the file."""
        return {
            "schema_version": SCHEMA_VERSION,
            "kind": KIND,
            **self.architecture(),
            "provenance": dict(self.provenance),
            "digest": self.digest,
        }

    def noting(self, **more: object) -> DintsArchitecture:
        """Return it with further entries in its provenance."""
        return replace(self, provenance={**self.provenance, **more})


def _codes(name: str, values: ArrayLike, space: DintsSpace, count: int) -> NDArray[np.int64]:
    """Check an array of (L, P) whole numbers below ``count``."""
    array = np.asarray(values)
    shape = (space.num_blocks, len(space.paths))
    if array.shape != shape:
        raise ArchitectureError(
            f"{name} must have shape {shape} (blocks, paths), got {array.shape}."
        )
    if array.dtype.kind not in "buif":
        raise ArchitectureError(f"{name} must hold numbers, got {array.dtype}.")
    wrong = ~np.isin(array, np.arange(count))
    if wrong.any():
        block, path = np.argwhere(wrong)[0].tolist()
        raise ArchitectureError(
            f"{name} must hold whole numbers from 0 to {count - 1}, got {array[block, path]} in "
            f"block {block}, path {path}."
        )
    return array.astype(np.int64)


def save_architecture(architecture: DintsArchitecture, path: str | Path) -> None:
    """Write ``architecture`` as JSON, atomically."""
    write_json(path, architecture.content())


def load_architecture(path: str | Path, *, space: DintsSpace | None = None) -> DintsArchitecture:
    """Read and check an ``architecture.json``.

    Args:
        path: the file.
        space: the space it must be of; any if None.

    Raises:
        ArchitectureError: if the file is missing, too large, not JSON, of a future version, has a
            field that is missing or wrong, or is of another space; the message names the file and
            the field.

    Example:
        >>> iac.load_architecture("runs/topology/architecture.json").space.num_blocks
        2
    """
    try:
        architecture = parse_architecture(read_json(path, max_bytes=MAX_BYTES))
        if space is not None and (differences := architecture.space.differences(space)):
            raise ArchitectureError(
                f"made for another space: {differences}. Pass an architecture that was searched in "
                "this space, or build the network for the architecture's own."
            )
    except ValueError as error:
        raise ArchitectureError(f"Architecture '{path}': {error}") from error
    return architecture


def parse_architecture(content: object) -> DintsArchitecture:
    """Check JSON values and return the architecture they describe.

    Raises:
        ArchitectureError: naming the first field that is missing, of the wrong type or
            inconsistent.
    """
    top = Fields.of(content, error=ArchitectureError)
    top.require_version(SCHEMA_VERSION)
    kind = top.string("kind")
    if kind != KIND:
        raise ArchitectureError(f"kind is '{kind}', this package reads '{KIND}' here.")
    architecture = DintsArchitecture(
        space=DintsSpace.read(top.child("search_space")),
        blocks=tuple(
            tuple(
                ActivePath(path.integer("source"), path.integer("target"), path.string("operation"))
                for path in block.children("paths")
            )
            for block in top.children("blocks")
        ),
        provenance=top.child("provenance").values if "provenance" in top.values else {},
    )
    top.require_digest(architecture.digest, of="architecture")
    return architecture
