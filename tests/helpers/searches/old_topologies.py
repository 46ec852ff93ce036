"""Files as the zoo's and Auto3DSeg's searches save them, and pickles that would run code."""

from __future__ import annotations

import os

import numpy as np

from iac_components.dints.decoding import decode
from iac_components.dints.topology_grid import DintsSpace

SPACE = DintsSpace(12, 4)
DRAW = np.random.default_rng(0)
FOUND = decode(SPACE, DRAW.random((12, 10)), DRAW.random((12, 10, 5)))


def zoo(**changes):
    """The content that the zoo's search.py saves."""
    unused = DRAW.integers(0, 5, FOUND.path_mask.shape)
    return {
        "node_a": np.array(FOUND.node_activations),
        "arch_code_a": FOUND.path_mask.astype(float),
        "arch_code_a_max": FOUND.path_mask.astype(int),
        "arch_code_c": np.where(FOUND.path_mask, FOUND.operation_indices, unused),
        "iter_num": 18590,
        "epochs": 1430,
        "best_dsc": np.float64(0.75),
        "best_path": 18590,
        **changes,
    }


class Attack:
    """Calls something as soon as it is unpickled."""

    def __init__(self, function, *arguments):
        self.call = function, arguments

    def __reduce__(self):
        return self.call


def attacks(trace):
    return {
        "open": Attack(open, str(trace), "w"),
        "os.system": Attack(os.system, f"touch {trace}"),
        "mkdir": Attack(os.mkdir, str(trace)),
        "eval": Attack(eval, f"open({str(trace)!r}, 'w')"),
        "savetxt": Attack(np.savetxt, str(trace), [0.0]),
        "memmap": Attack(np.memmap, str(trace), "u1", "w+", 0, (1,)),
        "in an object array": np.array([Attack(os.mkdir, str(trace))], dtype=object),
    }
