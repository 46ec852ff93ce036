"""Trainers, evaluators and their handlers, put together as the bundles' configs do it."""

from __future__ import annotations
