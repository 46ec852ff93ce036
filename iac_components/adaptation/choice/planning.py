"""Plans of what is tried in a network, and reasons for what cannot be."""

from __future__ import annotations

from dataclasses import dataclass

from iac_components.adaptation.adapter.applying import build_with
from iac_components.adaptation.adapter.base_network import count_parameters, is_scripted
from iac_components.adaptation.candidates import (
    NotApplicableError,
    PartPlan,
    PlanOptions,
    find_candidate,
    in_order,
    registered_candidates,
)
from iac_components.adaptation.costs import measure_cost
from iac_components.adaptation.settings import AdaptSettings
from iac_components.adaptation.site import Site
from iac_components.bundling.options import OptionError

__all__ = ["ArmPlan", "plan_arms"]


@dataclass(frozen=True)
class ArmPlan:
    """Parts that one candidate puts into the network, and their time.

    Attributes:
        parts: in the order in which they are attached.
        ratio: time of inference with it over the released network's, as measured; 1 where no module
            is added.
    """

    parts: tuple[PartPlan, ...]
    ratio: float

    @property
    def parameters(self) -> int:
        """Values that it adds or replaces."""
        return sum(part.parameters for part in self.parts)

    @property
    def places(self) -> int:
        """Places in the network that it changes."""
        return sum(len(part.sites) for part in self.parts)


def plan_arms(site: Site, settings: AdaptSettings) -> tuple[dict[str, ArmPlan], dict[str, str]]:
    """Plan the parts of every candidate within the bounds of size and time.

    Args:
        site: with the network.
        settings: with candidates and bounds.

    Returns:
        The plan of each candidate that the network can have; why it cannot have the others.

    Raises:
        OptionError: if somebody asked for one that the network, being TorchScript, cannot have.
    """
    plans: dict[str, ArmPlan] = {}
    notes: dict[str, str] = {}
    for arm in settings.arms:
        try:
            plans[arm] = _bounded(site, settings, arm)
        except NotApplicableError as reason:
            if is_scripted(site.network) and _asked_for(arm, settings):
                option = "candidates" if arm in settings.candidates else "compare"
                raise OptionError(f"--{option} {arm}: {reason}. Leave it out.") from reason
            notes[arm] = str(reason)
    return plans, notes


def _asked_for(arm: str, settings: AdaptSettings) -> bool:
    return arm in settings.compare or not settings.are_default


def _bounded(site: Site, settings: AdaptSettings, arm: str) -> ArmPlan:
    """Plan an arm with as many added modules as the bound on the time allows, finest first.

    Values of layers that are there are not timed: what a new scale and shift of a norm take is hard
    to tell from other work on the machine, and would make the plan another from run to run.
    """
    places: int | None = None
    while True:
        parts = _parts(site, settings, arm, places)
        added = max((len(p.sites) for p in parts if find_candidate(p.kind).wraps), default=0)
        if not added:
            return ArmPlan(parts, 1.0)
        adapted = build_with(site.network, parts)
        ratio = measure_cost(site.network, adapted, site.shape).ratio
        if ratio <= settings.max_cost:
            return ArmPlan(parts, ratio)
        if added == 1:
            raise NotApplicableError(
                f"even in one place, inference takes {ratio:.2f} times as long, and --max_cost "
                f"allows {settings.max_cost:g}"
            )
        allowed = int(added * (settings.max_cost - 1) / (ratio - 1))
        places = max(1, min(added - 1, allowed))


def _parts(
    site: Site, settings: AdaptSettings, arm: str, places: int | None
) -> tuple[PartPlan, ...]:
    kinds = in_order(arm.split("+"))
    if is_scripted(site.network) and not all(find_candidate(k).in_torchscript for k in kinds):
        raise NotApplicableError(
            "nothing can be put into the layers of TorchScript, of which only norms are adapted "
            f"({', '.join(_for_torchscript())}); the Python network with its weights can have it"
        )
    left = int(settings.budget * count_parameters(site.network))
    parts: list[PartPlan] = []
    for kind in kinds:
        options = PlanOptions(left, site.genotype, site.shape, places)
        try:
            parts.append(find_candidate(kind).plan(site.network, options))
        except NotApplicableError as reason:
            raise NotApplicableError(f"{kind}: {reason}") from reason
        left -= parts[-1].parameters
    return tuple(parts)


def _for_torchscript() -> list[str]:
    return [kind for kind in registered_candidates() if find_candidate(kind).in_torchscript]
