"""Size of a short run: synthetic data of a data set, and settings that take seconds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

__all__ = ["Budget", "Options", "Phantom"]

Options = Mapping[str, object]
Range = tuple[float, float]


@dataclass(frozen=True)
class Phantom:
    """A synthetic data set in the layout of a bundle's.

    Attributes:
        layout: name of the phantom.
        shape: as ``write_phantom`` takes it.
        options: of the bundle, that go with volumes of this size.
        spacing: as ``write_phantom`` takes it, in mm; None for the layout's own.
    """

    layout: str
    shape: tuple[int, ...]
    options: Options = field(default_factory=dict)
    spacing: tuple[Range, ...] | None = None
    num_patients: int = 5


@dataclass(frozen=True)
class Budget:
    """Options of a short run.

    Attributes:
        stages: options of each stage.
        networks: options of each network, so that it is small.
        exports: how many bundles of a network are exported; None for all of them.
    """

    stages: Mapping[str, Options]
    networks: Mapping[str, Options] = field(default_factory=dict)
    exports: int | None = None

    def options(self, stage: str, network: str) -> dict[str, object]:
        """Return the options of a stage with a network."""
        return {**self.networks.get(network, {}), **self.stages[stage]}
