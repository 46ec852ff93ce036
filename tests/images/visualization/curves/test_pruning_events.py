from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from iac_components.visualization import read_trace
from iac_components.visualization.curves.pruning_events import PruningEvent, pruning_events


def test_flips_become_events(
    make_rows: Callable[..., list], write_trace: Callable, change_trace: Callable
) -> None:
    trace = read_trace(write_trace(make_rows(4, num_nodes=1, prune=False)))
    assert pruning_events(trace) == []
    active = np.ones_like(trace.active)
    active[0:, 1, 2] = False
    active[2:, 0, 4:6] = False
    active[3:, 0] = False
    assert pruning_events(change_trace(trace, active=active)) == [
        PruningEvent(1, 1, ("max_pool_3x3",), edge_removed=False),
        PruningEvent(3, 0, ("sep_conv_3x3", "sep_conv_5x5"), edge_removed=False),
        PruningEvent(
            4,
            0,
            (
                "none",
                "skip_connect",
                "max_pool_3x3",
                "avg_pool_3x3",
                "dil_conv_3x3",
                "dil_conv_5x5",
            ),
            edge_removed=True,
        ),
    ]


def test_events_account_for_every_operation_lost(trace_csv: Path) -> None:
    trace = read_trace(trace_csv)
    events = pruning_events(trace)
    lost = sum(len(event.operations) for event in events)
    assert lost == trace.active[0].size - trace.active[-1].sum() > 0
    assert sum(event.edge_removed for event in events) == 14 - 8
