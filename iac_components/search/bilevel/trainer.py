"""The trainer of the cell search."""

from __future__ import annotations

from iac_components.search.bilevel.bilevel_trainer import BilevelTrainer

__all__ = ["CellSearchTrainer"]


class CellSearchTrainer(BilevelTrainer):
    """Searches a cell: the loss of the architecture batch is all that an architecture step sees.

    Arguments and errors are :class:`BilevelTrainer`'s; the network is a ``CellSearchNetwork``.
    """
