"""Parts of the cell-search benchmarks: a plain search as a yardstick, clocks, levers and modes.

The yardstick (``yardstick``) is written as public PC-DARTS code runs, slow and simple, and gives
what our search gives; ``clock`` tells where an epoch's time goes.
"""
