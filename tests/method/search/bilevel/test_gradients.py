"""First order is autograd's gradient; second order comes close to the exact one of DARTS."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from iac_components.search import FirstOrderGradient, SecondOrderGradient
from iac_components.search.bilevel.gradients import without_gradients

BOTH = pytest.mark.parametrize("gradient", [FirstOrderGradient(), SecondOrderGradient()])


class Problem:
    """Two quadratic losses in weights w and architecture a, coupled through products."""

    def __init__(self, seed=0):
        generator = torch.Generator().manual_seed(seed)

        def draw(*shape):
            return torch.randn(*shape, generator=generator, dtype=torch.float64)

        self.weights = [nn.Parameter(draw(4)), nn.Parameter(draw(2))]
        self.architecture = [nn.Parameter(draw(3)), nn.Parameter(draw(2))]
        self.mix, self.goals = draw(6, 5), (draw(6), draw(6))

    def loss(self, which, weights=None, architecture=None):
        w = torch.cat([*(weights or self.weights)])
        a = torch.cat([*(architecture or self.architecture)])
        scaled = w * (1 + 0.3 * (self.mix @ a))
        return ((scaled - self.goals[which]) ** 2).sum() + 0.1 * (a**2).sum()

    def compute(self, gradient):
        return gradient.compute(
            lambda: self.loss(0),
            lambda: self.loss(1),
            architecture=self.architecture,
            weights=self.weights,
        )

    def exact_second_order(self, rate):
        """Autograd through the virtual step."""
        first = torch.autograd.grad(self.loss(1), self.weights, create_graph=True)
        moved = [w - rate * g for w, g in zip(self.weights, first, strict=True)]
        return torch.autograd.grad(self.loss(0, weights=moved), self.architecture)


def test_first_order_is_autograd_s():
    problem = Problem()
    loss, gradients = problem.compute(FirstOrderGradient())
    expected = torch.autograd.grad(problem.loss(0), problem.architecture)
    assert torch.equal(loss, problem.loss(0).detach())
    for found, wanted in zip(gradients, expected, strict=True):
        assert torch.equal(found, wanted)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("rate", [1e-3, 1e-2])
def test_second_order_is_nearly_exact(rate, seed):
    problem = Problem(seed)
    exact = torch.cat(problem.exact_second_order(rate))
    first = torch.cat(problem.compute(FirstOrderGradient())[1])
    second = torch.cat(problem.compute(SecondOrderGradient(rate, 1e-3))[1])
    assert (second - exact).norm() < 1e-5 * exact.norm()
    assert (second - exact).norm() < 1e-2 * (first - exact).norm()


def test_second_order_reports_the_loss_after_the_virtual_step():
    problem = Problem()
    loss, _ = problem.compute(SecondOrderGradient(0.01))
    first = torch.autograd.grad(problem.loss(1), problem.weights)
    moved = [w - 0.01 * g for w, g in zip(problem.weights, first, strict=True)]
    assert loss == pytest.approx(float(problem.loss(0, weights=moved)))


@BOTH
def test_everything_is_left_as_it_was(gradient):
    problem = Problem()
    problem.weights[0].requires_grad_(True)
    everything = [*problem.weights, *problem.architecture]
    before = [p.detach().clone() for p in everything]
    loss, gradients = problem.compute(gradient)
    assert not loss.requires_grad
    assert not any(g.requires_grad for g in gradients)
    for parameter, value in zip(everything, before, strict=True):
        assert torch.equal(parameter, value)
        assert parameter.requires_grad
        assert parameter.grad is None


@BOTH
def test_also_after_an_error(gradient):
    problem = Problem()
    before = [p.detach().clone() for p in problem.weights]
    calls = []

    def failing():
        calls.append(1)
        if len(calls) == 2 or isinstance(gradient, FirstOrderGradient):
            raise RuntimeError("out of memory")
        return problem.loss(1)

    with pytest.raises(RuntimeError, match="out of memory"):
        gradient.compute(
            failing, failing, architecture=problem.architecture, weights=problem.weights
        )
    for parameter, value in zip(problem.weights, before, strict=True):
        assert torch.equal(parameter, value)
        assert parameter.requires_grad


def test_unused_weight_is_no_trouble():
    """A frozen level, or an operation of weight zero, takes no part in a loss."""
    problem = Problem()
    idle = nn.Parameter(torch.ones(2, dtype=torch.float64))
    expected = problem.compute(SecondOrderGradient())[1]
    problem_loss = problem.loss
    found = SecondOrderGradient().compute(
        lambda: problem_loss(0),
        lambda: problem_loss(1),
        architecture=problem.architecture,
        weights=[*problem.weights, idle],
    )[1]
    assert all(torch.allclose(a, b) for a, b in zip(found, expected, strict=True))
    assert torch.equal(idle, torch.ones_like(idle))


@pytest.mark.parametrize("options", [(0, 1e-2), (1e-2, 0), (-1, 1e-2)])
def test_bad_parameters(options):
    with pytest.raises(ValueError, match="virtual_rate and epsilon must be positive"):
        SecondOrderGradient(*options)


def test_without_gradients_restores_flags():
    on, off = nn.Parameter(torch.ones(1)), nn.Parameter(torch.ones(1), requires_grad=False)
    with without_gradients([on, off]):
        assert not on.requires_grad
        assert not off.requires_grad
    assert (on.requires_grad, off.requires_grad) == (True, False)
    with pytest.raises(KeyError), without_gradients([on, off]):
        raise KeyError
    assert (on.requires_grad, off.requires_grad) == (True, False)
