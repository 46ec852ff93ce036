"""Trainers, evaluators and their handlers, composed as in the bundles' configs."""

from __future__ import annotations
