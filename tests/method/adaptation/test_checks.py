"""Bad input, each in one line."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from threshold_site import Threshold, make_case, make_site
from torch import nn

from iac_components.adaptation.candidates.skips import small_cell
from iac_components.adaptation.checks import remarks
from iac_components.adaptation.site import Site
from iac_components.bundling.options import OptionError
from iac_components.data import DatasetError

CASES = [make_case(number) for number in range(3)]


def site(**changes):
    plain = make_site("none")
    fields = ("network", "cases", "class_names", "inferer", "window", "classes")
    return Site(**{**{name: getattr(plain, name) for name in fields}, **changes})


def with_label(value):
    label = CASES[0].label.clone()
    label[0, 0] = value
    return [replace(CASES[0], label=label), *CASES[1:]]


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"cases": CASES[:1]}, DatasetError, r"1 labelled case\(s\) given.*Label another"),
        ({"cases": [make_case(n) for n in range(21)]}, DatasetError, "21 labelled"),
        (
            {"cases": [replace(case, patient="same") for case in CASES]},
            ValueError,
            r"1 patient\(s\) given: at least two",
        ),
        ({"cases": with_label(7)}, DatasetError, r"'case_0' has label value\(s\) \[7\].*1 disc"),
        (
            {"cases": [replace(c, image=c.image.repeat(3, 1, 1)) for c in CASES]},
            DatasetError,
            r"'case_0' has 3 channel\(s\), the network takes 1",
        ),
        (
            {"cases": [replace(c, label=c.label[1:]) for c in CASES]},
            DatasetError,
            "same grid",
        ),
        (
            {"cases": [replace(c, image=c.image * float("nan")) for c in CASES]},
            DatasetError,
            "not finite",
        ),
        ({"cases": [CASES[0], *CASES]}, DatasetError, "two cases are called 'case_0'"),
        (
            {"cases": [replace(c, label=0 * c.label) for c in CASES]},
            DatasetError,
            "no case shows 1 disc in its label: there is nothing to learn",
        ),
        (
            {"source": with_label(7)},
            DatasetError,
            r"own-domain case 'case_0' has label value\(s\) \[7\]",
        ),
        (
            {"source": [replace(CASES[0], image=CASES[0].image / 0)]},
            DatasetError,
            "own-domain case 'case_0' has voxels that are not finite",
        ),
        (
            {"source": [replace(CASES[0], label=0 * CASES[0].label)]},
            DatasetError,
            "no own-domain case shows 1 disc",
        ),
        ({"classes": ["liver"]}, OptionError, "--classes 'liver': the network's classes are disc"),
        ({"class_names": ("a", "b")}, OptionError, r"gives 2 channel\(s\) for 2 class"),
        ({"network": nn.ReLU()}, OptionError, "has no parameter"),
        (
            {"network": nn.Conv2d(1, 2, 99)},
            OptionError,
            r"fails on an input of shape \(1, 1, 24, 24\)",
        ),
        (
            {"network": torch.jit.freeze(torch.jit.script(Threshold()))},
            OptionError,
            r"Threshold has no parameter \(torch.jit.freeze makes constants of them\)",
        ),
        (
            {"network": torch.jit.script(nn.Conv2d(4, 2, 1).eval())},
            OptionError,
            r"Conv2d fails on an input of shape \(1, 1, 24, 24\): RuntimeError: .* 4 channels",
        ),
        (
            {"network": torch.jit.script(Threshold()), "genotype": small_cell(2)},
            OptionError,
            "genotype: the network is TorchScript",
        ),
        ({"network": "model.ts"}, OptionError, "network is a str, expected a torch.nn.Module or"),
    ],
)
def test_bad_input_is_one_clear_line(changes, error, message):
    with pytest.raises(error, match=message) as caught:
        site(**changes)
    assert "\n" not in str(caught.value)


def test_labels_that_the_site_lacks_are_named():
    assert remarks(CASES, ("disc",), (1,)) == []
    absent = [replace(case, label=0 * case.label) for case in CASES]
    (all_absent,) = remarks(absent, ("disc",), (1,))
    assert "'disc' (1) is in no label" in all_absent
    assert "--classes" in all_absent
    (some,) = remarks([absent[0], *CASES[1:]], ("disc",), (1,))
    assert "not in 1 of 3 labels (case_0)" in some
    found = remarks(CASES, ("disc", "ring"), (1,))
    assert found == ["'ring' (2) is not judged, and counts as background."]
