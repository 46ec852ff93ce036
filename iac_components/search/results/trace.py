"""Trace of a search: every edge's distribution after every epoch, and the pruning."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt
import torch

from iac_components.common.files import write_text
from iac_components.common.trace_format import TRACE_COLUMNS
from iac_components.search.results.trace_file import TracedEdge, read_trace_content
from iac_components.search.stability_pruning.stability import BoolArray, FloatArray, History
from iac_components.search_space.space import EdgeSpace

__all__ = ["SearchTrace"]


class SearchedNetwork(Protocol):
    """A supernet, whose search is traced."""

    @property
    def space(self) -> EdgeSpace:
        """Search space."""
        ...


class SearchTrace:
    """Grows by one record an epoch; the criteria's history and the source of all plots.

    Args:
        space: the search space of L levels, E edges, O operations and N nodes.
    """

    def __init__(self, space: EdgeSpace) -> None:
        self.space = space
        self._arrays: dict[str, list[FloatArray]] = {
            name: []
            for name in (
                "probability",
                "divergence",
                "active",
                "edge_weight",
                "seconds",
                "architecture_steps",
            )
        }
        self._blocks: list[str] = []

    @classmethod
    def of(cls, network: SearchedNetwork) -> SearchTrace:
        """Begin the trace of a supernet's search.

        Args:
            network: has the ``space`` that is searched.
        """
        return cls(network.space)

    @classmethod
    def read(cls, path: str | Path) -> SearchTrace:
        """Read the file that :meth:`write` wrote.

        Its space is what the file tells of it; the file does not count architecture steps.

        Raises:
            FileNotFoundError: if there is no such file.
            ValueError: naming the file and the column, line or epoch at fault.

        Example:
            >>> SearchTrace.read("runs/search/search_trace.csv").operations[:2]
            ('none', 'skip_connect')
        """
        content = read_trace_content(path)
        trace = cls(content.space)
        for name, values in content.arrays.items():
            trace._arrays[name] = list(values)
        trace._arrays["architecture_steps"] = list(np.zeros(len(content.arrays["seconds"])))
        trace._blocks = [trace._block(index) for index in range(len(content.arrays["seconds"]))]
        return trace

    def __len__(self) -> int:
        return len(self._blocks)

    @property
    def epochs(self) -> npt.NDArray[np.int64]:
        """(T,) 1, 2, ... T."""
        return np.arange(1, len(self) + 1)

    @property
    def edges(self) -> tuple[TracedEdge, ...]:
        """The L*E edges of all levels, in the order of the arrays below."""
        levels = range(self.space.levels)
        return tuple(TracedEdge(level, *edge) for level in levels for edge in self.space.edges)

    @property
    def operations(self) -> tuple[str, ...]:
        """Names of the O operations."""
        return self.space.operations

    @property
    def probability(self) -> FloatArray:
        """(T, L*E, O) mean softmax probability over the epoch, 0 once pruned."""
        return self._flat("probability", len(self.space.operations))

    @property
    def divergence(self) -> FloatArray:
        """(T, L*E) Jensen-Shannon divergence in base 2, NaN while undefined."""
        return self._flat("divergence")

    @property
    def active(self) -> BoolArray:
        """(T, L*E, O) whether the operation is alive after that epoch's pruning."""
        return self._flat("active", len(self.space.operations)).astype(np.bool_)

    @property
    def edge_weight(self) -> FloatArray:
        """(T, L*E) softmax of the betas over the node's living inputs, 0 once removed.

        In a topology search the probability of the path, each on its own.
        """
        return self._flat("edge_weight")

    @property
    def seconds(self) -> FloatArray:
        """(T,) wall-clock seconds of the epoch."""
        return np.array(self._arrays["seconds"], dtype=np.float64)

    def _flat(self, name: str, *last: int) -> FloatArray:
        shape = (len(self), self.space.levels * len(self.space.edges), *last)
        return np.array(self._arrays[name], dtype=np.float64).reshape(shape)

    @property
    def total_seconds(self) -> float:
        """Wall-clock seconds of all epochs, pruning and validation included."""
        return float(np.sum(self._arrays["seconds"]))

    @property
    def architecture_steps(self) -> int:
        """Steps of the architecture parameters in all epochs; a search needs at least one."""
        return int(np.sum(self._arrays["architecture_steps"]))

    def last(self) -> tuple[FloatArray, FloatArray]:
        """Probabilities (L, E, O) and edge weights (L, E) of the newest epoch.

        Raises:
            ValueError: if no epoch has been recorded.
        """
        if not self._blocks:
            raise ValueError("the trace is empty: the search ended before its first epoch.")
        return self._arrays["probability"][-1], self._arrays["edge_weight"][-1]

    def append(
        self,
        *,
        probabilities: FloatArray,
        edge_weights: FloatArray,
        divergence: FloatArray,
        alive: BoolArray,
        seconds: float,
        architecture_steps: int = 0,
    ) -> None:
        """Add the record of an epoch.

        Args:
            probabilities: (L, E, O) means over the epoch's steps.
            edge_weights: (L, E) means over the epoch's steps.
            divergence: (L, E), NaN while undefined.
            alive: (L, E, O) after the epoch's pruning.
            seconds: wall-clock duration of the epoch.
            architecture_steps: steps that its architecture parameters took.
        """
        record = {
            "probability": probabilities * alive,
            "divergence": divergence,
            "active": alive.astype(np.float64),
            "edge_weight": edge_weights * alive.any(axis=-1),
            "seconds": np.asarray(seconds, dtype=np.float64),
            "architecture_steps": np.asarray(architecture_steps, dtype=np.float64),
        }
        for name, array in record.items():
            self._arrays[name].append(np.asarray(array, dtype=np.float64))
        self._blocks.append(self._block(len(self._blocks)))

    def operation_history(self, probabilities: FloatArray, alive: BoolArray) -> History:
        """History of the L*E edges, this epoch's (L, E, O) included, for a criterion."""
        groups = (-1, alive.shape[-1])
        masks = [np.ones(alive.shape), *self._arrays["active"]]
        past = [*self._arrays["probability"], probabilities]
        return History(
            np.stack([record.reshape(groups) for record in past]),
            alive.reshape(groups),
            _since([mask.reshape(groups) for mask in masks]),
        )

    def edge_history(self, edge_weights: FloatArray, alive: BoolArray) -> History:
        """History of the L*N nodes, each a distribution over its inputs padded to the widest."""
        masks = [np.ones(alive.shape), *self._arrays["active"]]
        past = [*self._arrays["edge_weight"], edge_weights]
        return History(
            np.stack([self._by_node(record) for record in past]),
            self._by_node(np.asarray(alive.max(axis=-1), dtype=np.float64)) > 0,
            _since([self._by_node(np.asarray(mask.max(axis=-1))) for mask in masks]),
        )

    def presence_history(self, edge_weights: FloatArray, alive: BoolArray) -> History:
        """History of the L*E edges where each is present or not, with its weight as probability."""
        masks = [np.ones(alive.shape), *self._arrays["active"]]
        past = [*self._arrays["edge_weight"], edge_weights]
        edges = alive.any(axis=-1).reshape(-1, 1)
        return History(
            np.stack([np.stack([p.ravel(), 1 - p.ravel()], axis=-1) for p in past]),
            np.concatenate([edges, edges], axis=-1),
            _since([mask.max(axis=-1).reshape(-1, 1) for mask in masks]),
        )

    def _by_node(self, values: FloatArray) -> FloatArray:
        """Regroup (L, E) as (L*N, inputs of the last node), padded with zeros."""
        nodes = self.space.num_nodes
        widest = len(self.space.inputs_of(nodes - 1))
        result = np.zeros((len(values), nodes, widest))
        for node in range(nodes):
            inputs = values[:, self.space.edges_of(node)]
            result[:, node, : inputs.shape[1]] = inputs
        return result.reshape(len(values) * nodes, widest)

    def _block(self, index: int) -> str:
        """CSV lines of one epoch; made once, since files are rewritten every epoch."""
        arrays = {name: values[index] for name, values in self._arrays.items()}
        lines = []
        for level, row in np.ndindex(*arrays["edge_weight"].shape):
            edge = self.space.edges[row]
            divergence = arrays["divergence"][level, row]
            tail = f"{arrays['edge_weight'][level, row]:.8g},{float(arrays['seconds']):.4f}"
            shown = "" if np.isnan(divergence) else f"{divergence:.8g}"
            for column, operation in enumerate(self.space.operations):
                probability = arrays["probability"][level, row, column]
                active = int(arrays["active"][level, row, column])
                lines.append(
                    f"{index + 1},{level},{edge.node},{edge.input},{operation},"
                    f"{probability:.8g},{shown},{active},{tail}\n"
                )
        return "".join(lines)

    def write(self, path: str | Path) -> None:
        """Write ``search_trace.csv``, atomically."""
        write_text(path, ",".join(TRACE_COLUMNS) + "\n" + "".join(self._blocks))

    def state_dict(self) -> dict[str, torch.Tensor]:
        """All records as tensors, bit for bit."""
        if not self._blocks:
            return {}
        return {name: torch.from_numpy(np.stack(v)) for name, v in self._arrays.items()}

    def load_state_dict(self, state: Mapping[str, torch.Tensor]) -> None:
        """Replace all records by those of ``state``."""
        self._arrays = {name: list(state[name].numpy()) if state else [] for name in self._arrays}
        self._blocks = [self._block(index) for index in range(len(self._arrays["seconds"]))]


def _since(masks: list[FloatArray]) -> npt.NDArray[np.int64]:
    """Index of the first epoch after each group's mask last changed; masks[0] is the start's."""
    since = np.zeros(len(masks[0]), dtype=np.int64)
    for epoch, (before, after) in enumerate(pairwise(masks)):
        since[(before != after).any(axis=-1)] = epoch + 1
    return since
