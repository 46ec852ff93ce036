"""The criteria that the studies compare, as arguments of the public interface."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

__all__ = ["RULES", "Rule"]


@dataclass(frozen=True)
class Rule:
    """A way to decide a search.

    Attributes:
        name: unique among the rules.
        arguments: of ``iac.search_cell``, beside those that all rules share.
    """

    name: str
    arguments: Mapping[str, object] = field(default_factory=dict)


RULES: dict[str, Rule] = {
    rule.name: rule
    for rule in (
        Rule("audit", {"criterion": "audit"}),
        Rule("stability", {"criterion": "stability"}),
        Rule("floor", {"criterion": "floor"}),
        Rule("both", {"criterion": "both"}),
        # Nothing is pruned: the greatest alphas at the end decide.
        Rule("alphas", {"criterion": "stability", "pruning": False}),
    )
}
