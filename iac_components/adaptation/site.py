"""A base network and a site's cases: everything that an adaptation starts from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import torch
from monai.inferers import Inferer
from torch import nn

from iac_components.adaptation.adapter.base_network import is_scripted
from iac_components.adaptation.checks import (
    check_cases,
    check_each,
    check_network,
    chosen_classes,
    input_shape,
    require_module,
)
from iac_components.adaptation.fitting.cases import SiteCase, WindowShape
from iac_components.adaptation.fitting.objective import Objective
from iac_components.bundling.options import OptionError
from iac_components.search_space import Genotype

__all__ = ["Site"]


@dataclass(frozen=True)
class Site:
    """A network and the site that it is adapted to.

    Attributes:
        network: the released network with its weights, in Python or TorchScript; it is left as it
            is.
        cases: labelled cases of the site.
        class_names: of the network's foreground classes; label i + 1 is ``class_names[i]``.
        inferer: applies the network to a whole case.
        window: what it is given at a time.
        classes: names of those that the site draws; None for all.
        source: cases of the network's own domain, which must not lose.
        name: of the network or its bundle.
        preprocessing: digest of what the images went through; None if not known.
        inferer_digest: digest of what the inferer is; None if not known.
        genotype: of the cells; None takes a small uniform one.
        channels: of an image; None reads them from the network's first convolution.

    Raises:
        OptionError: if the network or a class is at fault.
        DatasetError: if a case is.
    """

    network: nn.Module
    cases: Sequence[SiteCase]
    class_names: Sequence[str]
    inferer: Inferer
    window: WindowShape
    classes: Sequence[str] | None = None
    source: Sequence[SiteCase] = ()
    name: str = ""
    preprocessing: str | None = None
    inferer_digest: str | None = None
    genotype: Genotype | None = None
    channels: int | None = None
    objective: Objective = field(init=False)
    shape: tuple[int, ...] = field(init=False)

    def __post_init__(self) -> None:
        require_module(self.network)
        if self.genotype is not None and is_scripted(self.network):
            raise OptionError(
                "genotype: the network is TorchScript, which no cell can be put into. Leave it "
                "out, or pass the Python network with its weights."
            )
        chosen = chosen_classes(self.class_names, self.classes)
        own = len(self.cases[0].image) if self.cases else 0
        taken = self.channels or _in_channels(self.network) or own
        check_cases(self.cases, self.class_names, chosen, channels=taken)
        if self.source:
            # What no network can segment would gain nothing, and so could not lose either.
            kind = "own-domain case"
            check_each(self.source, self.class_names, chosen, channels=taken, kind=kind)
        shape = input_shape(self.cases, self.window)
        outputs = check_network(self.network, shape, self.class_names)
        object.__setattr__(self, "shape", shape)
        object.__setattr__(self, "objective", Objective(chosen, outputs))

    @property
    def device(self) -> torch.device:
        """Device of the network."""
        return next(self.network.parameters()).device

    @property
    def judged(self) -> list[str]:
        """Names of the judged classes."""
        return [self.class_names[value - 1] for value in self.objective.classes]

    @property
    def patients(self) -> list[str]:
        """All patients, sorted."""
        return sorted({case.patient for case in self.cases})


def _in_channels(network: nn.Module) -> int | None:
    """Channels that the first convolution takes."""
    for module in network.modules():
        if isinstance(module, nn.Conv1d | nn.Conv2d | nn.Conv3d):
            return module.in_channels
    return None
