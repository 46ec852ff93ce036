"""Candidates that are given up before all folds are done: time goes to those that may be chosen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

__all__ = ["FIRST_LOOK", "left_behind"]

FIRST_LOOK = 2
"""Folds after which is looked for the first time."""


def left_behind(
    gains: Mapping[str, Sequence[float]], *, give_up: float
) -> dict[str, tuple[str, float, float]]:
    """Find candidates that are worse than the best so far in every patient, and by much on average.

    The released network, whose gain is zero, is one of those that they are compared with. Giving up
    cannot bring about a wrong acceptance: bounds of the others still come from all patients, and
    the error is split among all candidates that the network can have. (Our choice.)

    Args:
        gains: of each candidate over the released network, one value a patient seen so far.
        give_up: mean Dice behind the best at which a candidate is given up; 0 keeps all.

    Returns:
        For each of them: the better one, its mean gain, and the candidate's own.
    """
    if not give_up or not gains:
        return {}
    patients = len(next(iter(gains.values())))
    best, ahead = "released", [0.0] * patients
    for arm, values in gains.items():
        if sum(values) > sum(ahead):
            best, ahead = arm, list(values)
    behind = {}
    for arm, values in gains.items():
        differences = [first - own for first, own in zip(ahead, values, strict=True)]
        if min(differences) > 0 and sum(differences) / patients >= give_up:
            behind[arm] = (best, sum(ahead) / patients, sum(values) / patients)
    return behind
