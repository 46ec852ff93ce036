"""Costs of the cell search against a plain one, and the worth of its cells.

The modules here are commands. The yardstick (``searches.yardstick``) is written as public PC-DARTS
code runs, slow and simple, and gives what our search gives.
"""
