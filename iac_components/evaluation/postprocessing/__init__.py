"""Largest-component post-processing, adopted where it raises the Dice of validation patients.

``kept`` says of what only the largest component stays, ``counts`` keeps what is needed of a case,
``decision`` decides, ``decision_file`` is ``postprocessing.json``, ``handler`` does it all in an
evaluation.
"""

from __future__ import annotations
