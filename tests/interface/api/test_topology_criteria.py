"""A topology search by a criterion of its name: what it finds, and what it refuses."""

from __future__ import annotations

import pytest
import torch

import iac_components as iac
from iac_components.bundling.options import OptionError

SMALL = {
    "num_blocks": 2,
    "num_depths": 2,
    "channel_mul": 0.125,
    "class_names": ["bright"],
    "warmup_epochs": 1,
    "device": "cpu",
}


def items(count, first=0):
    """Volumes with one bright half, each of its own patient."""
    generator = torch.Generator().manual_seed(first)
    images = torch.rand(count, 1, 16, 16, 16, generator=generator)
    return [
        {"image": image, "label": (image > 0.5).float(), "patient": f"p{first + number}"}
        for number, image in enumerate(images)
    ]


def search(folder, *, patients=4, **arguments):
    return iac.search_topology(
        items(2), items(patients, 10), items(1, 20), output_dir=folder, **{**SMALL, **arguments}
    )


@pytest.mark.filterwarnings("ignore")
def test_a_search_by_audit_reports_what_it_found(tmp_path):
    options = {"pruning": True, "criterion": "audit", "tolerance": 0.5, "epochs": 7}
    found = search(tmp_path, **options)
    assert iac.load_architecture(tmp_path / "architecture.json") == found
    findings = found.provenance["findings"]
    assert (findings["criterion"], findings["patients"], findings["tolerance"]) == ("audit", 4, 0.5)
    # Nothing matters that much, so that the cheapest chain is what is left.
    assert found.provenance["kind"] == "searched"
    assert [len(block) for block in found.blocks] == [1, 1]
    assert found.provenance["settings"]["criterion"] == "audit"
    assert found.provenance["stop_reason"] == "max_epochs reached"
    assert (tmp_path / "audit_trace.csv").read_text(encoding="utf-8").count("\n") > 10


@pytest.mark.filterwarnings("ignore")
def test_without_pruning_the_audit_judges_the_end_alone(tmp_path):
    found = search(tmp_path, criterion="audit")
    findings = found.provenance["findings"]
    assert (findings["criterion"], findings["looks"]) == ("audit", 0)
    assert found.provenance["chosen"] in ("best validation", "last epoch")
    assert found.provenance["kind"] == "undecided"
    assert not (tmp_path / "audit_trace.csv").exists()


@pytest.mark.parametrize(
    ("argument", "words"),
    [
        (
            {"criterion": "audti"},
            "^criterion is 'audti': it must be stability, floor, audit or both",
        ),
        ({"criterion": 3}, "^criterion is 3"),
        ({"tolerance": -0.1}, r"^tolerance is -0\.1: it must be a number of at least 0"),
        ({"tolerance": float("nan")}, "^tolerance is nan"),
        ({"alpha": 0}, "^alpha is 0: it must be a number above 0 and below 1"),
        ({"alpha": 1.0}, r"^alpha is 1\.0"),
        ({"images_a_patient": 0}, "^images_a_patient is 0"),
        ({"images_a_patient": 1.5}, r"^images_a_patient is 1\.5"),
        ({"criterion": "audit", "pruning": True, "audit_every": 0}, "^audit_every is 0"),
        ({"audit_every": 2}, "^audit_every is 2: with criterion stability it has no use"),
        ({"criterion": "audit", "audit_every": 2}, "^audit_every is 2: with pruning False it has"),
        (
            {"criterion": "audit", "pruning": True, "path_pruning": False},
            "^path_pruning is False: with criterion audit it has no use",
        ),
        (
            {"criterion": "both", "pruning": True, "keep_schedule": (2, 1)},
            "^keep_schedule is .*: with criterion both it has no use",
        ),
    ],
)
def test_bad_arguments_are_named_before_anything_is_written(argument, words, tmp_path):
    with pytest.raises(OptionError, match=words) as caught:
        search(tmp_path / "run", **argument)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "run").exists()


@pytest.mark.filterwarnings("ignore")
def test_too_few_patients(tmp_path):
    with pytest.raises(ValueError, match="criterion 'audit' judges by patient, but the arch"):
        search(tmp_path, patients=2, pruning=True, criterion="audit", epochs=3)
    assert not (tmp_path / "search_trace.csv").exists()
