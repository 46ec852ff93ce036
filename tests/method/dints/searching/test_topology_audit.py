"""A topology search by audit: what goes, what is written, and that a kill changes nothing."""

from __future__ import annotations

import csv
import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
import torch
from dints_searches import SPACE, Search, Volumes, patients
from ignite.engine import Events

from iac_components.common.trace_format import AUDIT_COLUMNS
from iac_components.dints import DintsArchitecture, TopologyAudit, load_architecture
from iac_components.dints.searching.remaining_topology import RemainingTopology
from iac_components.search.audits.looks import Standing
from iac_components.search.evidence.parts import Part

FLAT = SPACE.paths.index((0, 0))
CONVOLUTION = 1


@contextmanager
def worth(audit: TopologyAudit, truth: Callable[[RemainingTopology], float]) -> Iterator[None]:
    """Let losses be a formula of what is left."""

    def without(bundles: Sequence[Sequence[Part]]) -> np.ndarray:
        rows = []
        for bundle in bundles:
            left = audit.remaining.without(bundle)
            generator = np.random.default_rng(left.alive.ravel().astype(int).tolist())
            rows.append(1 - truth(left) + 1e-5 * generator.normal(size=4))
        return np.array(rows)

    audit.losses.without = without  # type: ignore[method-assign]
    yield


def convolutions(remaining: RemainingTopology) -> float:
    return 0.1 * float(remaining.alive[:, FLAT, CONVOLUTION].sum())


def test_a_search_that_is_decided_says_how(tmp_path: Path) -> None:
    search = Search(tmp_path, epochs=40, criterion="audit", warmup_epochs=0, fraction=1.0)
    with worth(search.audit, convolutions):
        search.run()
        assert search.trainer.state.epoch < 40
        found = search.save()
    assert found == load_architecture(tmp_path / "architecture.json")
    assert {(path.source, path.target) for block in found.blocks for path in block} == {(0, 0)}
    assert {path.operation for block in found.blocks for path in block} == {"conv_3x3x3"}
    assert found.provenance["kind"] == "searched"
    assert found.provenance["chosen"] == "decided by pruning"
    findings = found.provenance["findings"]
    assert findings["criterion"] == "audit"
    assert (findings["patients"], findings["images"]) == (4, 8)
    assert "gain" not in findings
    kinds = [part["kind"] for part in findings["parts"]]
    assert kinds == ["path"] * 3 + ["operation"] * 3
    path, operation = findings["parts"][0], findings["parts"][3]
    assert {key: path[key] for key in ("level", "node", "input")} == {
        "level": 0,
        "node": 0,
        "input": "depth_0",
    }
    assert operation["operation"] == "conv_3x3x3"
    # As at the look when it could still be left out.
    assert path["effect"]["low"] > 0.05
    assert {part["decided"] for part in findings["parts"]} == {"evidence"}
    whole, needed = (findings["cost"]["activation_gigabytes"][key] for key in ("whole", "found"))
    assert needed < whole
    with (tmp_path / "audit_trace.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert tuple(rows[0]) == AUDIT_COLUMNS
    assert {row["kind"] for row in rows} == {"path", "operation"}
    assert {row["verdict"] for row in rows} >= {"needless", "worse"}


def test_the_cheaper_of_equals_is_decided_by_cost(tmp_path: Path) -> None:
    search = Search(tmp_path, epochs=40, criterion="audit", warmup_epochs=0, fraction=1.0)
    with worth(search.audit, lambda remaining: 0.0):
        found = search.run().save()
    assert {path.operation for block in found.blocks for path in block} == {"skip_connect"}
    reasons = {p["decided"] for p in found.provenance["findings"]["parts"] if "operation" in p}
    assert reasons == {"cost"}
    assert found.provenance["kind"] == "searched"


def test_a_search_that_ends_undecided_says_so(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    search = Search(tmp_path, epochs=3, criterion="audit", tolerance=0.0)
    with caplog.at_level(logging.INFO, logger="iac_components.search"):
        found = search.run().save()
    assert found.provenance["kind"] == "undecided"
    assert found.provenance["chosen"] == "least effect given up"
    assert "undecided" in {part["decided"] for part in found.provenance["findings"]["parts"]}
    assert search.memory.of(found) <= search.budget.bytes
    assert "The result is judged on " in caplog.text
    assert "The search has not decided: found a topology of" in caplog.text


@pytest.mark.parametrize("criterion", ["stability", "floor", None])
def test_other_criteria_are_judged_at_the_end(tmp_path: Path, criterion: str | None) -> None:
    search = Search(tmp_path, epochs=2, criterion=criterion)
    found = search.run().save()
    assert search.network.alive.all()
    assert found.provenance["kind"] == "undecided"
    findings = found.provenance["findings"]
    assert findings["looks"] == 0
    assert {part["decided"] for part in findings["parts"] if part["kind"] == "operation"} == {
        "undecided"
    }
    assert all(part["effect"]["mean"] is not None for part in findings["parts"])


def test_both_waits_for_stillness(tmp_path: Path) -> None:
    search = Search(tmp_path, epochs=3, criterion="both", warmup_epochs=0)
    with worth(search.audit, lambda remaining: 0.0):
        search.run()
        # Three epochs are too few for the floor of evidence.
        assert search.network.alive.all()
        assert search.audit.log.looks == 0
        assert search.save().provenance["kind"] == "undecided"


def test_what_is_given_up_is_the_least_effect(tmp_path: Path) -> None:
    search = Search(tmp_path, criterion="audit", fraction=0.7)
    audit = search.audit

    def truth(remaining: RemainingTopology) -> float:
        return 0.1 * float(remaining.alive[:, FLAT, 2].sum()) + 0.02 * float(
            remaining.alive.any(axis=-1).sum()
        )

    with worth(audit, truth):
        audit._looks.look(audit.remaining, epoch=1, number=1)
        search.network.prune(torch.from_numpy(audit.remaining.alive))
        for number in range(2, 30):
            left = audit._looks.look(audit.remaining, epoch=1, number=number)
            search.network.prune(torch.from_numpy(left.alive))
        assert audit.is_decided
        found = audit.decode()
        # All is needed, and more than the budget allows.
        assert not found.fills(search.network.living())
        assert search.memory.of(found) <= search.budget.bytes
        assert all((0, 0, SPACE.operations[2]) in block for block in found.blocks)
        assert audit.judge(found).decided


@pytest.mark.parametrize("criterion", ["audit", "both"])
def test_too_few_patients_stop_the_search_before_it_begins(tmp_path: Path, criterion: str) -> None:
    search = Search(tmp_path, criterion=criterion, items=patients(2))
    with pytest.raises(ValueError, match=f"criterion '{criterion}' judges by patient, but the"):
        search.run()
    assert len(search.trace) == 0


@pytest.mark.parametrize("items", [patients(2), list(Volumes(4, 0))], ids=["few", "no_names"])
def test_without_patients_other_criteria_have_no_findings(
    tmp_path: Path, items: Sequence[dict[str, object]]
) -> None:
    found = Search(tmp_path, epochs=2, items=items).run().save()
    assert "findings" not in found.provenance
    assert found.provenance["kind"] == "undecided"


def test_an_unknown_criterion(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"criterion 'audti' is unknown\. Known: stability, floor"):
        Search(tmp_path, criterion="audti")


class CutError(Exception):
    pass


def cut(search: Search, at: int) -> None:
    def stop() -> None:
        raise CutError

    search.trainer.add_event_handler(Events.ITERATION_COMPLETED(once=at), stop)
    with pytest.raises(CutError):
        search.run()


def test_a_resumed_search_decides_as_an_unbroken_one(tmp_path: Path) -> None:
    options = {"epochs": 4, "criterion": "audit", "tolerance": 0.02}
    whole = Search(tmp_path / "whole", **options).run()
    expected = whole.save()
    assert not whole.network.alive.all()
    cut(Search(tmp_path / "cut", **options), 10)
    resumed = Search(tmp_path / "cut", **options, resume=True).run()
    found = resumed.save()
    assert found.blocks == expected.blocks
    assert without_time(found) == without_time(expected)
    assert torch.equal(resumed.network.alive, whole.network.alive)
    looks = [(tmp_path / name / "audit_trace.csv").read_bytes() for name in ("cut", "whole")]
    assert looks[0] == looks[1]


def without_time(found: DintsArchitecture) -> dict[str, object]:
    return {key: value for key, value in found.provenance["findings"].items() if key != "seconds"}


def test_an_operation_that_was_never_raced_is_worth_its_path(tmp_path: Path) -> None:
    search = Search(tmp_path, criterion="audit")
    alive = search.network.alive.clone()
    alive[..., 2:] = False
    alive[..., 0] = False
    search.network.prune(alive)
    with worth(search.audit, lambda r: 0.05 * float(r.alive.any(axis=-1).sum())):
        found = search.network.decode()
        parts = search.audit.judge(found).findings["parts"]
    paths, operations = (
        {(p["level"], p["node"], p["input"]): p["effect"] for p in parts if p["kind"] == kind}
        for kind in ("path", "operation")
    )
    assert paths == operations
    assert search.audit.log.standing(Part("path", 0, 0)) == Standing.UNDECIDED
