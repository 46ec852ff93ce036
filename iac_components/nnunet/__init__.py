"""Cells inside nnU-Net v2: in its own networks, trained, searched and used by its own commands.

``python -m iac_components.nnunet plans`` writes plans whose network holds a found cell; nnU-Net's
``nnUNetv2_train`` and ``nnUNetv2_predict`` need nothing else. ``nnUNetTrainerIAC`` starts from
weights that nnU-Net trained without the cell, and ``nnUNetTrainerIACSearch`` searches one; nnU-Net
finds both through ``nnUNet_extTrainer``. This package itself imports without nnU-Net; the networks
and trainers in it need it (``pip install "iac_components[nnunet]"``).
"""

from __future__ import annotations
