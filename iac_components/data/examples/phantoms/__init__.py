"""Phantoms: small synthetic data sets in the official layouts, for demonstrations and tests.

:func:`write_phantom` writes one by the name of its layout; :func:`register_phantom` adds another.
"""

from __future__ import annotations

from iac_components.data.examples.phantoms.acdc import write_acdc_phantom
from iac_components.data.examples.phantoms.amos import write_amos_phantom
from iac_components.data.examples.phantoms.brats import write_brats2021_phantom, write_brats_phantom
from iac_components.data.examples.phantoms.catalogue import register_phantom, write_phantom
from iac_components.data.examples.phantoms.decathlon import write_decathlon_phantom
from iac_components.data.examples.phantoms.decathlon_tasks import DECATHLON_TASKS, DecathlonTask
from iac_components.data.examples.phantoms.hippocampus import write_hippocampus_phantom
from iac_components.data.examples.phantoms.kits import write_kits_phantom

__all__ = [
    "DECATHLON_TASKS",
    "DecathlonTask",
    "register_phantom",
    "write_acdc_phantom",
    "write_amos_phantom",
    "write_brats2021_phantom",
    "write_brats_phantom",
    "write_decathlon_phantom",
    "write_hippocampus_phantom",
    "write_kits_phantom",
    "write_phantom",
]
