"""Distributions of a topology search as drawn, and what an architecture gives up of them."""

from __future__ import annotations

import numpy as np


def draw(space, seed, scale=1.0):
    """Random probabilities of paths and operations, and costs."""
    random = np.random.default_rng(seed)
    shape = (space.num_blocks, len(space.paths), len(space.operations))
    paths = 1 / (1 + np.exp(-scale * random.normal(size=shape[:2])))
    operations = np.exp(scale * random.normal(size=shape))
    return paths, operations / operations.sum(-1, keepdims=True), random.random(shape)


def chosen(values, architecture):
    """Of (L, P, O) values those of the chosen operations of the active paths."""
    picked = np.take_along_axis(values, architecture.operation_indices[..., None], -1)[..., 0]
    return picked[architecture.path_mask]


def loss_of(space, architecture, paths, operations):
    """-log p of an architecture, by the formula."""
    p = paths.astype(np.float32).astype(float)
    norm = 1 - np.prod(1 - p, -1)
    joint = np.prod(np.where(architecture.path_mask, p, 1 - p), -1) / norm
    regret = -np.log(operations / operations.max(-1, keepdims=True))
    return (-np.log(joint + 1e-5) + 0.001).sum() + chosen(regret, architecture).sum()
