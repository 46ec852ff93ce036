"""Plans of what is tried in a network, and reasons for what cannot be."""

from __future__ import annotations

from iac_components.adaptation.adapter.base_network import count_parameters, is_scripted
from iac_components.adaptation.candidates import (
    NotApplicableError,
    PartPlan,
    PlanOptions,
    find_candidate,
    in_order,
    registered_candidates,
)
from iac_components.adaptation.settings import AdaptSettings
from iac_components.adaptation.site import Site
from iac_components.bundling.options import OptionError

__all__ = ["plan_arms"]


def plan_arms(
    site: Site, settings: AdaptSettings
) -> tuple[dict[str, tuple[PartPlan, ...]], dict[str, str]]:
    """Plan the parts of every candidate within the budget.

    Args:
        site: with the network.
        settings: with candidates and budget.

    Returns:
        The parts of each candidate that the network can have; why it cannot have the others.

    Raises:
        OptionError: if somebody asked for one that the network, being TorchScript, cannot have.
    """
    plans: dict[str, tuple[PartPlan, ...]] = {}
    notes: dict[str, str] = {}
    for arm in settings.arms:
        try:
            plans[arm] = _parts(site, settings, arm)
        except NotApplicableError as reason:
            if is_scripted(site.network) and _asked_for(arm, settings):
                option = "candidates" if arm in settings.candidates else "compare"
                raise OptionError(f"--{option} {arm}: {reason}. Leave it out.") from reason
            notes[arm] = str(reason)
    return plans, notes


def _asked_for(arm: str, settings: AdaptSettings) -> bool:
    return arm in settings.compare or not settings.are_default


def _parts(site: Site, settings: AdaptSettings, arm: str) -> tuple[PartPlan, ...]:
    kinds = in_order(arm.split("+"))
    if is_scripted(site.network) and not all(find_candidate(k).in_torchscript for k in kinds):
        raise NotApplicableError(
            "nothing can be put into the layers of TorchScript, of which only norms are adapted "
            f"({', '.join(_for_torchscript())}); the Python network with its weights can have it"
        )
    left = int(settings.budget * count_parameters(site.network))
    parts: list[PartPlan] = []
    for kind in kinds:
        options = PlanOptions(left, site.genotype, site.shape)
        try:
            parts.append(find_candidate(kind).plan(site.network, options))
        except NotApplicableError as reason:
            raise NotApplicableError(f"{kind}: {reason}") from reason
        left -= parts[-1].parameters
    return tuple(parts)


def _for_torchscript() -> list[str]:
    return [kind for kind in registered_candidates() if find_candidate(kind).in_torchscript]
