"""Searches by audit, whole: what they end with, what they say of it, and how they resume."""

from __future__ import annotations

import copy
import json
import math

import numpy as np
import pytest
import torch
from monai.networks.nets import BasicUNet

from iac_components.networks import ImplantedNetwork, implant_genotype, skip_modules
from iac_components.search import Decision, save_found_genotype
from iac_components.search.audits.looks.choice import from_genotype
from iac_components.search.evidence.parts import Part
from iac_components.search_space import load_genotype

EVERYTHING = {"tolerance": 10.0}
"""Nothing that a loss of this size could tell matters."""


def found(search, folder):
    return save_found_genotype(
        folder / "genotype.json",
        search.network,
        trace=search.trace,
        settings={},
        audit=search.audit,
    )


@pytest.mark.parametrize("frozen", [True, False])
@pytest.mark.parametrize("separate", [True, False])
def test_where_nothing_matters_the_network_stays_plain(make_search, tmp_path, frozen, separate):
    options = {"separate_levels": separate}
    search = make_search(tmp_path, frozen=frozen, network_options=options, audit=EVERYTHING)
    plain = copy.deepcopy(search.network)
    search.run()
    genotype = found(search, tmp_path)
    assert len(search.trace) == 1
    assert genotype.nodes == ()
    assert genotype.provenance["kind"] == "searched"
    assert load_genotype(tmp_path / "genotype.json").architecture() == genotype.architecture()
    held = {p for group in search.optimizer.param_groups for p in group["params"]}
    assert held == set(search.network.weight_parameters())
    assert frozen == (not held)
    findings = genotype.provenance["findings"]
    assert findings["gain"] == {"mean": 0.0, "low": 0.0, "high": 0.0}
    assert findings["cost"]["multiply_adds"]["plain"] == findings["cost"]["multiply_adds"]["cells"]
    assert len(skip_modules(plain.backbone)) == 4


@pytest.mark.parametrize(("share", "looks"), [(1.0, 1), (100.0, 4)])
def test_looks_are_as_seldom_as_their_cost_demands(make_search, tmp_path, share, looks):
    """Of 4 epochs; a pass judges 10 images, a step trains on 4."""
    audit = {"tolerance": 0.0, "alpha": 1e-12, "share": share}
    search = make_search(tmp_path, audit=audit, epochs=4).run()
    trained = search.trainer.state.epoch_length * search.audit.batch_size
    settings = search.audit.settings
    assert settings.every == math.ceil(settings.passes * 10 / (3 * share * trained))
    assert settings.looks_until(4) == looks


def test_a_genotype_without_a_cell_is_the_plain_network(make_search, tmp_path):
    genotype = found(make_search(tmp_path, audit=EVERYTHING).run(), tmp_path)
    backbone = BasicUNet(2, 1, 2, (8,) * 6).eval()
    image = torch.rand(1, 1, 32, 32)
    expected = backbone(image)
    network = ImplantedNetwork(implant_genotype(copy.deepcopy(backbone), genotype)).eval()
    assert torch.equal(network(image), expected)


def comparable(genotype):
    """Without times, which differ between any two runs."""
    findings = copy.deepcopy(genotype.provenance["findings"])
    del findings["cost"]["milliseconds"], findings["seconds"]
    return genotype.architecture(), genotype.provenance["kind"], findings


@pytest.mark.parametrize("stop", [1, 3, 4])
def test_a_resumed_search_decides_as_an_unbroken_one(make_search, tmp_path, stop):
    # With few passes a look, most of a group's past stands in the log.
    audit = {"tolerance": 0.02, "passes": 6}
    whole = make_search(tmp_path / "whole", epochs=5, audit=audit).run()
    make_search(tmp_path / "cut", epochs=stop, audit=audit).run()
    cut = make_search(tmp_path / "cut", epochs=5, audit=audit, resume=True).run()
    assert torch.equal(whole.network.alive, cut.network.alive)
    assert torch.equal(whole.network.treatments, cut.network.treatments)
    assert whole.audit.log.lines == cut.audit.log.lines
    assert whole.audit.log.passes == cut.audit.log.passes
    ends = [found(search, tmp_path) for search in (whole, cut)]
    assert comparable(ends[0]) == comparable(ends[1])
    traces = [(tmp_path / name / "audit_trace.csv").read_text() for name in ("whole", "cut")]
    assert traces[0] == traces[1]


def test_findings_say_of_each_part_what_it_is_worth_and_how_it_was_decided(make_search, tmp_path):
    search = make_search(tmp_path, epochs=3, audit={"tolerance": 1e-4})
    genotype = found(search.run(), tmp_path)
    findings = json.loads((tmp_path / "genotype.json").read_text())["provenance"]["findings"]
    assert findings == json.loads(json.dumps(genotype.provenance["findings"]))
    assert {key: findings[key] for key in ("criterion", "patients", "images", "tolerance")} == {
        "criterion": "audit",
        "patients": 5,
        "images": 10,
        "tolerance": 1e-4,
    }
    kept = {(n.node, edge.input, edge.operation) for n in genotype.nodes for edge in n.edges}
    parts = findings["parts"]
    assert kept == {
        (p["node"], p["input"], p["operation"]) for p in parts if p["kind"] == "operation"
    }
    assert {p["level"] for p in parts if p["kind"] == "cell"} == {
        level for level in range(4) if genotype.treatment(level) == "cell"
    }
    for part in parts:
        effect = part["effect"]
        assert effect["low"] <= effect["mean"] <= effect["high"]
        assert part["decided"] in ("evidence", "cost", "undecided")
    undecided = [p for p in parts if p["kind"] != "skip" and p["decided"] == "undecided"]
    assert genotype.provenance["kind"] == ("undecided" if undecided else "searched")
    images = sum(len(batch.images) for batch in search.audit.losses.batches)
    assert findings["passes"] * images == search.audit.losses.passes


@pytest.mark.parametrize("criterion", ["stability", "floor"])
def test_other_searches_are_judged_at_their_end(make_search, always_stable, tmp_path, criterion):
    search = make_search(
        tmp_path, epochs=9, criterion=always_stable(1), audit={"criterion": criterion}
    ).run()
    assert search.audit.log.lines == []
    genotype = found(search, tmp_path)
    findings = genotype.provenance["findings"]
    assert (findings["criterion"], findings["looks"]) == (criterion, 0)
    kinds = [part["kind"] for part in findings["parts"]]
    assert (kinds.count("operation"), kinds.count("node")) == (4, 2)
    # As many as the parts, all cells together, and nothing left out.
    assert findings["passes"] == len(kinds) + 2


def test_a_search_of_full_length_is_not_decided(make_search, tmp_path):
    search = make_search(
        epochs=1, keep_schedule=(), edge_schedule=(), audit={"criterion": "stability"}
    ).run()
    genotype = found(search, tmp_path)
    assert genotype.provenance["kind"] == "undecided"
    operations = [p for p in genotype.provenance["findings"]["parts"] if p["kind"] == "operation"]
    assert {part["decided"] for part in operations} == {"undecided"}


@pytest.mark.parametrize("criterion", ["stability", "audit"])
def test_the_gain_is_that_of_the_cell_alone_without_its_rivals(make_search, tmp_path, criterion):
    audit = {"criterion": criterion, "tolerance": 0.0, "alpha": 1e-9}
    search = make_search(epochs=4, keep_schedule=(), edge_schedule=(), audit=audit).run()
    before = copy.deepcopy(search.network)
    genotype = found(search, tmp_path)
    assert search.network.alive.sum() > sum(len(node.edges) for node in genotype.nodes)
    gain = genotype.provenance["findings"]["gain"]["mean"]
    chosen = from_genotype(search.audit.remaining, genotype)
    search.audit.apply(chosen)
    losses = search.audit.losses.without([(), [Part("cell", level) for level in chosen.cells]])
    assert gain == pytest.approx((losses[1] - losses[0]).mean(), rel=1e-4)
    assert before.alive.sum() > search.network.alive.sum()


def test_without_patients_a_search_by_stability_ends_without_findings(
    make_search, always_stable, tmp_path, caplog
):
    audit = {"criterion": "stability", "patients": 2}
    search = make_search(tmp_path, epochs=9, criterion=always_stable(1), audit=audit).run()
    with caplog.at_level("INFO", logger="iac_components.search"):
        genotype = found(search, tmp_path)
    assert "findings" not in genotype.provenance
    assert genotype.provenance["kind"] == "undecided"
    assert "2 patient(s), and 3 are needed" in caplog.text


@pytest.mark.parametrize("criterion", ["audit", "both"])
def test_a_search_by_audit_needs_three_patients(make_search, criterion):
    search = make_search(audit={"criterion": criterion, "patients": 2})
    with pytest.raises(ValueError, match=r"'\w+' judges by patient, .* has 2: 3 are needed"):
        search.run()
    assert len(search.trace) == 0


class NeverStable:
    """Calls no group stable, ever."""

    def decide(self, history):
        groups = history.probabilities.shape[1]
        return Decision(np.zeros(groups, dtype=bool), np.full(groups, np.nan))


def test_with_both_operations_and_inputs_wait_for_stillness(make_search, tmp_path):
    audit = {"criterion": "both", "tolerance": 1e-4}
    search = make_search(tmp_path, epochs=3, criterion=NeverStable(), audit=audit).run()
    kinds = {line.part.kind for line in search.audit.log.lines}
    assert kinds <= {"cells", "cell", "skip", "node"}
    alive = search.network.alive[0]
    assert set(alive.sum(dim=-1).tolist()) <= {0, 3}


def test_with_both_operations_that_were_never_ready_are_measured_at_the_end(make_search, tmp_path):
    audit = {"criterion": "both", "tolerance": 0.0, "alpha": 1e-12}
    search = make_search(tmp_path, epochs=2, criterion=NeverStable(), audit=audit).run()
    staged, measured = search.audit.staged, {}
    effects_of = staged.effects_of

    def spied(parts, remaining):
        effects = effects_of(parts, remaining)
        measured.update(zip(parts, effects.mean(axis=1).tolist(), strict=True))
        return effects

    staged.effects_of = spied
    genotype = found(search, tmp_path)
    assert genotype.nodes
    rows = {(edge.node, edge.input): row for row, edge in enumerate(search.network.space.edges)}
    for node in genotype.nodes:
        for edge in node.edges:
            row = rows[node.node, edge.input]
            worth = {
                search.network.space.operations[part.column]: value
                for part, value in measured.items()
                if part.kind == "operation" and part.index == row
            }
            assert edge.operation == max(worth, key=worth.get)


def test_parts_go_until_the_cost_holds_the_least_worth_for_it_first(make_search, tmp_path):
    def end(bound, name):
        folder = tmp_path / name
        audit = {"tolerance": 0.0, "alpha": 1e-6, "max_cost": bound}
        search = make_search(folder, epochs=2, audit=audit).run()
        return found(search, folder)

    free, half, none = end(100.0, "free"), end(1.15, "half"), end(1.0, "none")
    assert free.provenance["findings"]["removed_for_cost"] == []
    costs = [g.provenance["findings"]["cost"]["multiply_adds"] for g in (free, half, none)]
    ratios = [cost["cells"] / cost["plain"] for cost in costs]
    assert ratios[0] > 1.15 >= ratios[1] > ratios[2] == 1.0
    assert half.nodes
    assert half.provenance["findings"]["removed_for_cost"]
    assert none.nodes == ()


def test_what_nothing_proves_goes_if_it_was_measured_to_be_worth_little(make_search, tmp_path):
    """Bounds that never close decide nothing; the means are far below the tolerance."""
    audit = {"tolerance": 0.05, "alpha": 1e-14}
    search = make_search(tmp_path, audit=audit, epochs=2).run()
    assert search.audit.remaining.cells
    genotype = found(search, tmp_path)
    assert genotype.nodes == ()
    assert genotype.provenance["kind"] == "undecided"
    spared = genotype.provenance["findings"]["spared"]
    assert {part["kind"] for part in spared} == {"cell"}


def test_what_is_worth_more_than_the_tolerance_stays_though_nothing_proves_it(
    make_search, tmp_path
):
    audit = {"tolerance": 0.0, "alpha": 1e-12}
    search = make_search(tmp_path, audit=audit, epochs=2).run()
    genotype = found(search, tmp_path)
    findings = genotype.provenance["findings"]
    effects = [part["effect"]["mean"] for part in findings["parts"] if part["kind"] == "cell"]
    assert len(effects) == sum(genotype.treatment(level) == "cell" for level in range(4))
    assert all(effect >= -1e-6 for effect in effects)


def test_the_end_says_in_one_sentence_what_was_found(make_search, tmp_path, caplog):
    search = make_search(tmp_path, audit=EVERYTHING).run()
    with caplog.at_level("INFO", logger="iac_components.search"):
        found(search, tmp_path)
    begun, line = [r.getMessage() for r in caplog.records if r.name == "iac_components.search"]
    assert begun.startswith("The result is judged on ")
    assert line.startswith("The search ended: no cell needed: without any, the loss of 5 patients")
