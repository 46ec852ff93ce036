"""The search inside nnU-Net's loop, in 2-D and 3-D, with deep supervision."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from iac_components.nnunet.weights.checkpoint import read_network_weights
from iac_components.search import SearchTrace, forget_parameters
from iac_components.search_space import load_genotype

QUICK = {
    "epochs": 5,
    "steps_per_epoch": 2,
    "warmup_epochs": 1,
    "operations": '["none", "skip_connect", "sep_conv_3x3"]',
    "criterion": "stability",
    "keep_schedule": "[2, 1]",
    "num_nodes": 2,
    "images_a_patient": 2,
}


@pytest.fixture
def searched(here, monkeypatch):
    """Return a function that makes plans and a trainer of seconds, which prunes at any movement."""
    from iac_components.nnunet.searching import loop
    from iac_components.nnunet.searching.search_trainer import nnUNetTrainerIACSearch

    def eager(warmup):
        return replace(cell_criterion(warmup), threshold=1e9, min_signal=0.0, window=1, patience=1)

    cell_criterion = loop.cell_criterion
    monkeypatch.setattr(loop, "cell_criterion", eager)

    class Quick(nnUNetTrainerIACSearch):
        def initialize(self):
            super().initialize()
            self.num_val_iterations_per_epoch = 1

    def make(name, configuration="2d", *, again=False, **options):
        out = here.plans(name)
        if not out.exists():
            words = [
                str(word)
                for option, value in {**QUICK, **options}.items()
                if value is not None
                for word in (f"--{option}", value)
            ]
            here.ours("search", str(here.plans()), str(out), *words)
        plans = {**json.loads(out.read_text()), "continue_training": again}
        dataset = json.loads((here.preprocessed / "dataset.json").read_text())
        return Quick(plans, configuration, 0, dataset, torch.device("cpu"))

    return make


def test_search_in_2d_prunes_and_leaves_the_files_of_every_search(trained, searched, here):
    groups = here.root / "phantom" / "groups.csv"
    trainer = searched("nnUNetPlansSearch", weights=trained.weights, groups=groups)
    trainer.run_training()
    folder = Path(trainer.output_folder)
    pictures = {"cell", "probability_curves", "divergence_curves", "top_k"}
    assert {path.stem for path in folder.glob("*.png")} >= pictures
    trace, found = (
        SearchTrace.read(folder / "search_trace.csv"),
        load_genotype(folder / "genotype.json"),
    )
    assert trace.active[-1].sum() < trace.active[0].sum()
    living = sum(p.numel() for p in trainer.network.weight_parameters())
    held = sum(p.numel() for group in trainer.optimizer.param_groups for p in group["params"])
    assert held == living
    assert found.search_space.spatial_dims == 2
    run = found.provenance["run"]
    cases = run["cases"]
    assert cases["weights"]["count"] + cases["architecture"]["count"] == 9
    patients = [{trainer.patients[case] for case in half} for half in trainer.halves.values()]
    assert not patients[0] & patients[1]
    assert not set(trainer.validation_cases) & set(trainer.patients)
    assert found.provenance["architecture_steps"] > 0
    assert found.provenance["settings"]["plans"] == "nnUNetPlansTiny"
    text = (folder / "genotype.json").read_text()
    assert str(here.root) not in text
    assert "hippocampus_0" not in text
    # The network that was searched around is as nnU-Net left it.
    backbone = trainer.network.backbone.state_dict()
    weights = read_network_weights(trained.weights.replace("{fold}", "0"))
    for key in ("encoder.stages.0.0.convs.0.conv.weight", "decoder.seg_layers.1.bias"):
        assert torch.equal(backbone[key], weights[key])
    assert not trainer._do_i_compile()
    assert trainer.network.backbone.decoder.deep_supervision


def test_found_cell_goes_into_plans(trained, searched, here, tmp_path):
    from iac_components.nnunet.__main__ import main

    folder = here.model("Quick", "nnUNetPlansSearch") / "fold_0"
    if not folder.exists():
        searched("nnUNetPlansSearch", weights=trained.weights).run_training()
    out = tmp_path / "nnUNetPlansFound.json"
    main(["plans", str(here.plans()), str(folder / "genotype.json"), str(out)])
    assert "implanted_unet" in out.read_text()


def test_search_goes_on_after_an_interruption(trained, searched):
    first = searched("nnUNetPlansBroken", weights=trained.weights, epochs=4)
    first.initialize()
    first.num_epochs = 2
    first.run_training()
    alive = first.network.alive.clone()
    alive[:, 0, 1] = False
    first.network.prune(alive)
    forget_parameters(first.optimizer, first.network.weight_parameters())
    checkpoint = str(Path(first.output_folder) / "checkpoint_final.pth")
    first.current_epoch -= 1  # nnU-Net saves within an epoch
    first.save_checkpoint(checkpoint)
    second = searched("nnUNetPlansBroken", again=True)
    second.load_checkpoint(checkpoint)
    assert torch.equal(second.network.alive, alive)
    assert second.current_epoch == 2
    before, after = first.network.state_dict(), second.network.state_dict()
    assert before.keys() == after.keys()
    assert all(torch.equal(before[key], after[key]) for key in before)
    for name in ("optimizer", "architecture_optimizer"):
        saved, loaded = (getattr(trainer, name).state_dict() for trainer in (first, second))
        assert saved["state"].keys() == loaded["state"].keys()
        for key, moments in saved["state"].items():
            assert torch.equal(moments["exp_avg"], loaded["state"][key]["exp_avg"])
    second.run_training()
    trace = SearchTrace.read(Path(second.output_folder) / "search_trace.csv")
    assert len(trace) == 4
    assert torch.equal(torch.from_numpy(trace.active[2]) & ~alive[0], torch.zeros_like(alive[0]))


def test_search_in_3d_judges_by_patient(searched, here):
    """Of fresh weights: the trainer wants a checkpoint, whatever it has learnt."""
    from iac_components.nnunet.building import build_plain_network

    plans = json.loads(here.plans().read_text())
    architecture = plans["configurations"]["3d_fullres"]["architecture"]
    network = build_plain_network(architecture, 1, 3, deep_supervision=True)
    checkpoint = here.root / "volume.pth"
    torch.save({"network_weights": network.state_dict()}, checkpoint)
    audited = {"criterion": "audit", "keep_schedule": None}
    trainer = searched("nnUNetPlansVolume", "3d_fullres", weights=checkpoint, **audited)
    trainer.run_training()
    folder = Path(trainer.output_folder)
    found = load_genotype(folder / "genotype.json")
    assert found.search_space.spatial_dims == 3
    findings = found.provenance["findings"]
    assert findings["criterion"] == "audit"
    assert findings["patients"] == len(trainer.halves["architecture"])
    assert findings["images"] == 2 * findings["patients"]
    assert findings["looks"] > 0
    steps = trainer.options.steps_per_epoch * trainer.audit.batch_size
    spaced = trainer.options.audit_settings().paced(judged=findings["images"], trained=steps)
    assert trainer.audit.settings.every == spaced.every > 1
    assert (folder / "audit_trace.csv").is_file()
    assert (folder / "effects.png").is_file()


def test_targets_come_as_lists_and_only_their_own_half_moves(trained, searched):
    trainer = searched("nnUNetPlansSteps", weights=trained.weights)
    trainer.on_train_start()
    batch = next(trainer.dataloader_train)
    assert isinstance(batch["target"], list)
    for loader, half in (
        (trainer.dataloader_train, "weights"),
        (trainer.dataloader_architecture, "architecture"),
    ):
        drawn = {name for _ in range(8) for name in next(loader)["keys"]}
        assert drawn <= set(trainer.halves[half])
    alphas = [p.clone() for p in trainer.network.architecture_parameters()]
    scale = trainer.network.cell_parameters()[-1]
    trainer.on_train_epoch_start()
    trainer.train_step(batch)
    assert all(map(torch.equal, alphas, trainer.network.architecture_parameters()))
    assert all(p.grad is None for p in trainer.network.architecture_parameters())
    assert scale.grad is not None
    trainer.loop._engine.state.epoch = 2  # past the warm-up
    trainer.train_step(batch)
    moved = [p.clone() for p in trainer.network.architecture_parameters()]
    assert not all(map(torch.equal, alphas, moved))
    # Mixed precision scales the loss, here on the CPU.
    trainer.loop.end_step(trainer._architecture_loss, torch.amp.GradScaler("cpu"))
    scaled = list(trainer.network.architecture_parameters())
    assert not all(map(torch.equal, moved, scaled))
    assert max(float((a - b).abs().max()) for a, b in zip(moved, scaled, strict=True)) < 0.1


def test_several_processes_are_refused(searched, monkeypatch):
    trainer = searched("nnUNetPlansSteps", weights=None)
    monkeypatch.setattr(trainer, "is_ddp", True)
    with pytest.raises(RuntimeError, match="leave -num_gpus out"):
        trainer.initialize()


def test_search_without_trained_weights_is_refused(searched):
    trainer = searched("nnUNetPlansUntrained")
    with pytest.raises(FileNotFoundError, match="Train the network without cells"):
        trainer.on_train_start()
