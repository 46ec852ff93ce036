"""Folder that ``nnUNet_extTrainer`` names, with nothing in it but the trainers."""

from __future__ import annotations
