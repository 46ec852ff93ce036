"""A search that would make no architecture step is refused before it starts."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iac_components.search import check_planned_steps
from iac_components.search.bilevel.planned_steps import planned_architecture_steps

COUNTS = st.integers(1, 12)


@given(COUNTS, st.integers(0, 12), COUNTS, COUNTS)
def test_count_is_that_of_the_trainer(epochs, warmup, every, steps):
    """As BilevelTrainer decides it, step by step."""
    expected = sum(
        1
        for iteration in range(1, epochs * steps + 1)
        if (iteration - 1) // steps + 1 > warmup and iteration % every == 0
    )
    counts = {"epochs": epochs, "warmup_epochs": warmup, "architecture_every": every}
    assert planned_architecture_steps(**counts, steps_per_epoch=steps) == expected


@pytest.mark.parametrize(
    ("epochs", "warmup", "every", "steps", "words"),
    [
        (2, 5, 1, None, ("epochs is 2", "warmup_epochs is 5")),
        (5, 5, 1, 10, ("epochs is 5", "warmup_epochs is 5")),
        (0, 0, 1, None, ("epochs is 0",)),
        (2, 1, 100, 10, ("architecture_every is 100", "epochs 2 of 10 steps")),
        (3, 2, 4, 3, None),
        (2, 1, 100, None, None),
        (2, 1, 0, None, ("architecture_every must be at least 1",)),
    ],
)
def test_refusal_names_the_options(epochs, warmup, every, steps, words):
    counts = {"epochs": epochs, "warmup_epochs": warmup, "architecture_every": every}
    if words is None:
        check_planned_steps(**counts, steps_per_epoch=steps)
        return
    with pytest.raises(ValueError, match=r"^[^\n]+$") as caught:
        check_planned_steps(**counts, steps_per_epoch=steps)
    assert all(word in str(caught.value) for word in words)
