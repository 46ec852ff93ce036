"""Network of the train and inference bundles: a backbone and its skip modules."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from torch import nn

from iac_components.common.built_weights import note_built
from iac_components.networks.implanted_network import ImplantedNetwork
from iac_components.networks.implanting.implant import find_skip_connections, implant
from iac_components.networks.implanting.skip_connection import SkipConnection
from iac_components.networks.implanting.untreated import treated_skip
from iac_components.networks.skip_modules import registered_skip_modules, skip_module_factory
from iac_components.networks.weights import load_weights
from iac_components.search_space import (
    DiscreteCell,
    Genotype,
    GenotypeError,
    load_genotype,
    registered_operations,
)

__all__ = ["build_network", "implant_genotype", "implant_skip_module"]


def implant_genotype(
    backbone: nn.Module,
    genotype: Genotype,
    *,
    channel_divisor: int = 1,
    input_shape: Sequence[int] | None = None,
) -> nn.Module:
    """Put the discrete cell of ``genotype`` into the skip connections of ``backbone``, in place.

    A level without a cell passes its skip on as the plain network does, or gives zeros where the
    genotype switches it off.

    Args:
        backbone: a U-shaped network.
        genotype: the found cell, or one for each level.
        channel_divisor: 1, or K of the search for cells as narrow as those searched.
        input_shape: (1, C, *S) of the dry pass; inferred by default.

    Raises:
        GenotypeError: if the genotype is for another number of dimensions or of levels, or has an
            operation that nobody registered.
    """
    space = genotype.search_space
    chosen = {edge.operation for node in genotype.nodes for edge in node.edges}
    unknown = sorted(chosen - set(registered_operations()))
    if unknown:
        raise GenotypeError(
            f"nodes use operations {unknown}, which are unknown. Known: "
            f"{', '.join(registered_operations())}. Register them before the build."
        )
    connections = find_skip_connections(backbone, input_shape=input_shape, sites=space.sites)
    dims = connections[0].spatial_dims
    if space.spatial_dims != dims:
        raise GenotypeError(
            f"search_space.spatial_dims is {space.spatial_dims}, but the backbone has {dims} "
            "dimensions: search a cell for this backbone."
        )
    _check_levels(genotype, connections)

    def make_cell(connection: SkipConnection) -> nn.Module:
        treatment = genotype.treatment(connection.level)
        if treatment != "cell":
            return treated_skip(treatment)
        return DiscreteCell(
            connection.skip_channels,
            connection.gate_channels,
            genotype=genotype,
            level=connection.level,
            channel_divisor=channel_divisor,
        )

    return implant(backbone, make_cell, input_shape=input_shape, sites=space.sites)


def _check_levels(genotype: Genotype, connections: Sequence[SkipConnection]) -> None:
    space = genotype.search_space
    skips = sum(connection.site == "skips" for connection in connections)
    known = {"no_cell": len(connections), "off": skips}
    words = {
        name: f"{count} skip connections" if count == skips else f"{count} places for cells"
        for name, count in known.items()
    }
    if space.levels not in (1, len(connections)):
        raise GenotypeError(
            f"search_space.levels is {space.levels}, but the backbone has {words['no_cell']}: "
            "search a cell for this backbone, or one that all levels share."
        )
    for name, levels in (("no_cell", genotype.no_cell), ("off", genotype.off)):
        if levels and levels[-1] >= known[name]:
            raise GenotypeError(
                f"{name} holds level {levels[-1]}, but the backbone has {words[name]}: search a "
                "cell for this backbone."
            )


def implant_skip_module(
    backbone: nn.Module, name: str, *, input_shape: Sequence[int] | None = None
) -> nn.Module:
    """Put the registered skip module ``name`` into every skip connection, in place.

    Args:
        backbone: a U-shaped network.
        name: one of ``registered_skip_modules()``.
        input_shape: (1, C, *S) of the dry pass; inferred by default.

    Raises:
        ValueError: if no such module is registered, or it does not fit the backbone.
    """
    factory = skip_module_factory(name)
    connections = find_skip_connections(backbone, input_shape=input_shape)
    return implant(backbone, factory(connections), input_shape=input_shape)


def build_network(
    backbone: nn.Module,
    *,
    skip_module: str = "iac",
    genotype_path: str | Path | None = None,
    backbone_ckpt: str | Path | None = None,
    frozen_backbone: bool = False,
    channel_divisor: int = 1,
    input_shape: Sequence[int] | None = None,
) -> nn.Module:
    """Build the network that a bundle trains or deploys.

    Args:
        backbone: a U-shaped network; it is changed in place.
        skip_module: ``iac`` for the cells of a genotype, ``plain`` for the backbone as it is, or
            one of ``registered_skip_modules()``.
        genotype_path: ``genotype.json`` of the cells; the other skip modules have none, and do
            not look at it.
        backbone_ckpt: checkpoint of the trained plain backbone to start from; None starts fresh.
        frozen_backbone: train the skip modules alone.
        channel_divisor: 1, or K of the search for cells as narrow as those searched.
        input_shape: (1, C, *S) of the dry pass; inferred by default.

    Returns:
        The plain backbone, or a :class:`ImplantedNetwork` around it.

    Raises:
        ValueError: if the skip module is unknown, ``iac`` has no genotype, or the backbone would
            be frozen with nothing to train.
        GenotypeError: if the genotype is unusable or does not fit the backbone.
    """
    known = ("iac", "plain", *registered_skip_modules())
    if skip_module not in known:
        raise ValueError(f"skip_module '{skip_module}' is unknown. Known: {', '.join(known)}.")
    if skip_module == "iac" and genotype_path is None:
        raise ValueError(
            "skip_module 'iac' needs the genotype of its cells: pass --genotype_path, or "
            "--skip_module plain for the backbone alone."
        )
    if skip_module == "plain" and frozen_backbone:
        raise ValueError(
            "frozen_backbone leaves nothing to train with skip_module 'plain': leave one out."
        )
    if backbone_ckpt is not None:
        load_weights(backbone, backbone_ckpt)
    if skip_module == "plain":
        return note_built(backbone)
    if skip_module != "iac":
        implanted = implant_skip_module(backbone, skip_module, input_shape=input_shape)
        return note_built(ImplantedNetwork(implanted, frozen_backbone=frozen_backbone))
    genotype = load_genotype(str(genotype_path))
    try:
        implanted = implant_genotype(
            backbone, genotype, channel_divisor=channel_divisor, input_shape=input_shape
        )
    except GenotypeError as error:
        raise GenotypeError(f"Genotype '{genotype_path}': {error}") from error
    network = ImplantedNetwork(implanted, frozen_backbone=frozen_backbone)
    if frozen_backbone and not network.cell_parameters():
        raise ValueError(
            f"frozen_backbone leaves nothing to train with genotype '{genotype_path}', which has "
            "no cell: leave it out to train the whole network."
        )
    return note_built(network)
