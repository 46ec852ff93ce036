"""Settings of an adaptation: the one definition of its options and their defaults."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

from iac_components.adaptation.candidates import find_candidate, registered_candidates
from iac_components.adaptation.fitting.fit import FitSettings
from iac_components.bundling.options import OptionError

__all__ = ["AdaptSettings"]

DEFAULT_CANDIDATES = ("norm_statistics", "norms", "gates", "lora", "cells")


@dataclass(frozen=True)
class AdaptSettings:
    """Settings by which an adapter is trained, chosen and accepted.

    Attributes:
        candidates: what is tried; ``+`` joins kinds into one, as in ``norms+cells``.
        compare: baselines that are measured beside them and never chosen.
        budget: largest share of the network's parameters that an adapter may add.
        max_cost: time of inference with an adapter over the released network's, at most; what takes
            longer is put into fewer places, or left out.
        least_gain: Dice that the lower bound of the gain must exceed.
        tolerance: Dice that cases of the network's own domain may lose, and within which
            candidates count as equal.
        alpha: error of the verdict, over all candidates.
        strengths: shares of the way from the released network to what was trained at which each
            candidate is judged; baselines are judged at 1.
        steps: of each training.
        batch_size: windows of a step.
        rate: factor on every learning rate.
        draws: trainings with other seeds that each result is averaged over.
        folds: in which patients are held out, at most.
        give_up: Dice behind the best so far at which a candidate is tried no further, once two
            folds are done; 0 tries all to the end.
        seed: of everything that is drawn.
        amp: train in bfloat16, in which nothing is judged; None does where the device multiplies it
            in hardware and windows have at least 128 x 128 voxels, but for TorchScript.

    Raises:
        OptionError: if a value is not allowed.
    """

    candidates: tuple[str, ...] = DEFAULT_CANDIDATES
    compare: tuple[str, ...] = ()
    budget: float = 0.05
    max_cost: float = 1.15
    least_gain: float = 0.0
    tolerance: float = 0.01
    alpha: float = 0.05
    strengths: tuple[float, ...] = (0.25, 0.5, 0.75, 1.0)
    steps: int = 200
    batch_size: int = 4
    rate: float = 1.0
    draws: int = 1
    folds: int = 5
    give_up: float = 0.03
    seed: int = 0
    amp: bool | None = None

    def __post_init__(self) -> None:
        for name in ("candidates", "compare"):
            value = getattr(self, name)
            object.__setattr__(self, name, tuple([value] if isinstance(value, str) else value))
        shares = self.strengths if isinstance(self.strengths, Sequence) else (self.strengths,)
        object.__setattr__(self, "strengths", tuple(sorted({float(share) for share in shares})))
        ranges = {
            "budget": (0 < self.budget <= 1, "above 0 and at most 1"),
            "max_cost": (self.max_cost >= 1, "at least 1"),
            "least_gain": (0 <= self.least_gain < 1, "at least 0 and below 1"),
            "tolerance": (0 <= self.tolerance < 1, "at least 0 and below 1"),
            "alpha": (0 < self.alpha < 0.5, "above 0 and below 0.5"),
            "strengths": (
                bool(self.strengths) and all(0 < share <= 1 for share in self.strengths),
                "one or several, each above 0 and at most 1",
            ),
            "steps": (self.steps >= 1, "at least 1"),
            "batch_size": (self.batch_size >= 1, "at least 1"),
            "rate": (self.rate > 0, "above 0"),
            "draws": (self.draws >= 1, "at least 1"),
            "give_up": (0 <= self.give_up < 1, "at least 0 and below 1"),
            "folds": (self.folds >= 2, "at least 2"),
            "seed": (self.seed >= 0, "at least 0"),
        }
        for name, (holds, words) in ranges.items():
            if not holds:
                value = getattr(self, name)
                shown = " ".join(map(str, value)) if isinstance(value, tuple) else value
                raise OptionError(f"--{name} is {shown}: it must be {words}.")
        self._check_kinds()

    def _check_kinds(self) -> None:
        if not self.candidates:
            raise OptionError("--candidates is empty: name at least one.")
        for option, baseline in (("candidates", False), ("compare", True)):
            fitting = [k for k in registered_candidates() if find_candidate(k).baseline == baseline]
            for arm in getattr(self, option):
                kinds = arm.split("+")
                wrong = [kind for kind in kinds if kind not in fitting]
                if wrong or len(set(kinds)) < len(kinds):
                    raise OptionError(
                        f"--{option} '{arm}': choose from {', '.join(fitting)}, joined by + for "
                        "several at once."
                    )

    @property
    def arms(self) -> tuple[str, ...]:
        """All that is measured, each once."""
        return tuple(dict.fromkeys((*self.candidates, *self.compare)))

    @property
    def are_default(self) -> bool:
        """True if nobody asked for other candidates than the usual ones."""
        return self.candidates == DEFAULT_CANDIDATES

    @property
    def fit(self) -> FitSettings:
        """Length of each training."""
        return FitSettings(self.steps, self.batch_size, self.rate, bool(self.amp))

    def plain(self) -> dict[str, object]:
        """Return the settings as JSON values."""
        return {
            name: list(value) if isinstance(value, tuple) else value
            for name, value in asdict(self).items()
        }

    @classmethod
    def of(cls, values: Mapping[str, object]) -> AdaptSettings:
        """Make settings of options by name; None takes the default."""
        given = {name: value for name, value in values.items() if value is not None}
        return cls(**given)  # type: ignore[arg-type]
