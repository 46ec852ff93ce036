"""``architecture.json``: the one file that hands a found DiNTS network from stage to stage."""

from __future__ import annotations

from dataclasses import fields as dataclass_fields
from pathlib import Path

from iac_components.common.files import Fields, read_json, write_json
from iac_components.dints.architecture import ActivePath, ArchitectureError, DintsArchitecture
from iac_components.dints.space import DintsSpace

__all__ = [
    "KIND",
    "SCHEMA_VERSION",
    "architecture_content",
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


def save_architecture(architecture: DintsArchitecture, path: str | Path) -> None:
    """Write ``architecture`` as JSON, atomically."""
    write_json(path, architecture_content(architecture))


def architecture_content(architecture: DintsArchitecture) -> dict[str, object]:
    """The JSON values of an architecture's file."""
    return {
        "schema_version": SCHEMA_VERSION,
        "kind": KIND,
        **architecture.architecture(),
        "provenance": dict(architecture.provenance),
        "digest": architecture.digest,
    }


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
        if space is not None:
            _require_space(architecture.space, space)
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
        space=_space(top.child("search_space")),
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


def _space(fields: Fields) -> DintsSpace:
    try:
        space = DintsSpace(
            num_blocks=fields.integer("num_blocks"),
            num_depths=fields.integer("num_depths"),
            spatial_dims=fields.integer("spatial_dims"),
            use_downsample=fields.boolean("use_downsample"),
            channel_mul=fields.number("channel_mul"),
        )
    except ArchitectureError:
        raise
    except ValueError as error:
        raise ArchitectureError(f"search_{error}") from error
    if fields.strings("operations") != space.operations:
        raise ArchitectureError(f"search_space.operations must be {list(space.operations)}.")
    return space


def _require_space(found: DintsSpace, wanted: DintsSpace) -> None:
    differences = [
        f"search_space.{name} is {getattr(found, name)} instead of {getattr(wanted, name)}"
        for name in (field.name for field in dataclass_fields(DintsSpace))
        if getattr(found, name) != getattr(wanted, name)
    ]
    if differences:
        raise ArchitectureError(
            f"made for another space: {', '.join(differences)}. Pass an architecture that was "
            "searched in this space, or build the network for the architecture's own."
        )
