"""DiNTS search space: the topologies and operations that can be found."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass

from iac_components.common.files import Fields
from iac_components.search_space.space import Edge

__all__ = ["OPERATIONS", "DintsSpace"]

OPERATIONS = {
    2: ("skip_connect", "conv_3x3"),
    3: ("skip_connect", "conv_3x3x3", "conv_3x3x1", "conv_3x1x3", "conv_1x3x3"),
}
"""Names and order of MONAI's cell operations (``monai.networks.nets.dints.Cell``)."""

FIRST_CHANNELS = 32
"""Channels of the finest level at ``channel_mul`` 1 (MONAI's)."""

LARGEST_CHANNELS = 1 << 16
"""Far beyond any network; an architecture file must not be able to ask for all memory."""


@dataclass(frozen=True)
class DintsSpace:
    """A grid of feature nodes, ``num_blocks`` + 1 columns of ``num_depths`` resolutions.

    Between two columns run paths: from a node to the node of its own resolution, the next finer
    and the next coarser one. Each path carries one operation. Source: DiNTS (arXiv 2103.15954),
    section 3, in the form that MONAI implements.

    Attributes:
        num_blocks: L, steps from the first column to the last.
        num_depths: D, resolutions.
        spatial_dims: 2 or 3.
        use_downsample: whether the stem halves the image first.
        channel_mul: channels are this times 32, 64, ...

    Raises:
        ValueError: if a field is out of range; the message names the field.
    """

    num_blocks: int = 12
    num_depths: int = 4
    spatial_dims: int = 3
    use_downsample: bool = True
    channel_mul: float = 1.0

    def __post_init__(self) -> None:
        if self.spatial_dims not in OPERATIONS:
            raise ValueError(f"space.spatial_dims must be 2 or 3, got {self.spatial_dims}.")
        for field, value, least, most in (
            ("num_blocks", self.num_blocks, 1, 64),
            # MONAI lists every pattern of paths between two columns: 2**(3 D - 2) of them.
            ("num_depths", self.num_depths, 2, 5),
        ):
            if not least <= value <= most:
                raise ValueError(f"space.{field} must be {least} to {most}, got {value}.")
        if not 2 <= FIRST_CHANNELS * self.channel_mul < LARGEST_CHANNELS:
            raise ValueError(
                f"space.channel_mul must make 2 channels or more of {FIRST_CHANNELS}, and fewer "
                f"than {LARGEST_CHANNELS}, got {self.channel_mul}."
            )

    @classmethod
    def read(cls, fields: Fields) -> DintsSpace:
        """Read the space from an architecture's file.

        Raises:
            ValueError: of the fields' class, naming the field that is missing or wrong.
        """
        try:
            space = cls(
                num_blocks=fields.integer("num_blocks"),
                num_depths=fields.integer("num_depths"),
                spatial_dims=fields.integer("spatial_dims"),
                use_downsample=fields.boolean("use_downsample"),
                channel_mul=fields.number("channel_mul"),
            )
        except fields.error:
            raise
        except ValueError as error:
            raise fields.error(f"search_{error}") from error
        if fields.strings("operations") != space.operations:
            raise fields.error(f"{fields.name('operations')} must be {list(space.operations)}.")
        return space

    def content(self) -> dict[str, object]:
        """Return the JSON values of an architecture's file."""
        return {
            "num_blocks": self.num_blocks,
            "num_depths": self.num_depths,
            "spatial_dims": self.spatial_dims,
            "use_downsample": bool(self.use_downsample),
            # A config may say 1: equal spaces must be written, and digested, alike.
            "channel_mul": float(self.channel_mul),
            "operations": list(self.operations),
        }

    def differences(self, wanted: DintsSpace) -> str:
        """List the fields that differ from those of ``wanted``."""
        mine = asdict(self)
        return ", ".join(
            f"search_space.{name} is {mine[name]} instead of {value}"
            for name, value in asdict(wanted).items()
            if mine[name] != value
        )

    @property
    def operations(self) -> tuple[str, ...]:
        """Names of the O candidate operations of every path."""
        return OPERATIONS[self.spatial_dims]

    @property
    def paths(self) -> tuple[tuple[int, int], ...]:
        """(source depth, target depth) of the P = 3 D - 2 paths of a block, in MONAI's order."""
        return tuple(
            (source, target)
            for target in range(self.num_depths)
            for source in (target - 1, target, target + 1)
            if 0 <= source < self.num_depths
        )

    @property
    def size_multiple(self) -> int:
        """Divisor of every side of a patch."""
        return 1 << (self.num_depths - 1 + int(self.use_downsample))

    def check_patch(self, patch_size: Sequence[int]) -> None:
        """Check that a patch can be halved as often as the depth asks for.

        Raises:
            ValueError: naming the sizes and the multiple; at the coarsest depth two voxels of a
                side at least must be left.
        """
        multiple = self.size_multiple
        fits = all(size % multiple == 0 and size >= 2 * multiple for size in patch_size)
        if len(patch_size) != self.spatial_dims or not fits:
            raise ValueError(
                f"patch_size {list(patch_size)} does not fit a space of {self.num_depths} depths: "
                f"give {self.spatial_dims} sizes, each a multiple of {multiple} and at least "
                f"{2 * multiple}, or lower num_depths."
            )

    # What SearchTrace and the pruning rules ask of a space: levels of edges into nodes.

    @property
    def levels(self) -> int:
        """Blocks."""
        return self.num_blocks

    @property
    def num_nodes(self) -> int:
        """Target depths of a block."""
        return self.num_depths

    @property
    def edges(self) -> tuple[Edge, ...]:
        """The paths of a block as edges into their target depth; the input names the source."""
        return tuple(Edge(target, f"depth_{source}") for source, target in self.paths)

    @property
    def none_index(self) -> None:
        """No operation passes nothing: a path that is not wanted is removed."""
        return None

    def inputs_of(self, node: int) -> tuple[str, ...]:
        """Names of the depths that may feed depth ``node``."""
        return tuple(edge.input for edge in self.edges if edge.node == node)

    def edges_of(self, node: int) -> slice:
        """Return the rows of :attr:`paths` that end at depth ``node``."""
        rows = [row for row, edge in enumerate(self.edges) if edge.node == node]
        return slice(rows[0], rows[-1] + 1)
