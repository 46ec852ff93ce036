"""Values given in Python are held against the same schema and rules as a config's."""

from __future__ import annotations

from pathlib import Path

import pytest

from iac_components.bundling.options import OptionError, check_values


def test_fitting_values_pass():
    check_values({"epochs": 3, "output_dir": Path("runs"), "patch_size": (8, 8)}, method="iac")


def test_all_faults_are_told_at_once():
    with pytest.raises(OptionError, match="2 options are at fault") as caught:
        check_values({"epochs": 0, "seed": "one"}, method="iac")
    assert "--epochs is 0" in str(caught.value)
    assert "--seed is 'one'" in str(caught.value)


def test_rules_hold_between_values():
    with pytest.raises(OptionError, match="--val_interval is 9: it must be at most --epochs 3"):
        check_values({"epochs": 3, "val_interval": 9}, method="iac")


def test_methods_have_schemas_of_their_own():
    check_values({"patch_size": [8, 8, 8]}, method="dints")
    with pytest.raises(OptionError, match="patch_size"):
        check_values({"patch_size": [8, 8, 8]}, method="iac")
    with pytest.raises(KeyError, match="epoch"):
        check_values({"epoch": 3}, method="iac")
