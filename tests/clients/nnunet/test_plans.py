"""Plans with a cell and plans of a search, and the command's one-line errors."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
import torch

from iac_components.search_space import SearchSpace, random_genotype, save_genotype


@pytest.fixture
def command(capsys):
    """Run the command in this process; return what it printed, or the one line of its error."""
    from iac_components.nnunet.__main__ import main

    def run(*arguments):
        code = 0
        try:
            main([str(argument) for argument in arguments])
        except SystemExit as end:
            code = end.code
        printed = capsys.readouterr()
        if code == 0:
            return printed.out + printed.err
        assert code == 2
        return printed.err.strip().splitlines()[-1].partition("error: ")[2]

    return run


@pytest.fixture
def plans(workplace):
    return workplace.plans()


def edited(source, target, change):
    content = json.loads(source.read_text())
    change(content)
    target.write_text(json.dumps(content))
    return target


def two_d(plans):
    return plans["configurations"]["2d"]


def test_plans_hold_the_cell_and_leave_out_what_cannot(command, plans, genotypes, tmp_path):
    out = tmp_path / "nnUNetPlansIAC.json"
    printed = command("plans", plans, genotypes[2], out)
    assert "nnUNetv2_train Dataset004_Hippocampus 2d FOLD -p nnUNetPlansIAC" in printed
    assert "-tr" not in printed
    new, old = (json.loads(path.read_text()) for path in (out, plans))
    assert list(new["configurations"]) == ["2d"]
    assert new["plans_name"] == "nnUNetPlansIAC"
    assert new["iac_components"]["source_plans"] == "nnUNetPlansTiny"
    architecture = two_d(new)["architecture"]
    assert architecture["network_class_name"] == "iac_components.nnunet.network.implanted_unet"
    assert architecture["arch_kwargs"]["genotype"] == json.loads(genotypes[2].read_text())
    kept = {**two_d(new), "architecture": None}
    assert kept == {**two_d(old), "architecture": None}


def test_a_stage_takes_along_those_that_need_it(command, plans, genotypes, tmp_path):
    def cascade(content):
        three_d = content["configurations"]["3d_fullres"]
        content["configurations"]["3d_lowres"] = {**three_d, "next_stage": "3d_cascade_fullres"}
        content["configurations"]["3d_cascade_fullres"] = {
            "inherits_from": "3d_fullres",
            "previous_stage": "3d_lowres",
        }

    source = edited(plans, tmp_path / "source.json", cascade)
    command("plans", source, genotypes[3], tmp_path / "new.json", "--configuration", "3d_lowres")
    new = json.loads((tmp_path / "new.json").read_text())["configurations"]
    assert set(new) == {"3d_fullres", "3d_lowres", "3d_cascade_fullres"}
    classes = {
        name: new[name]["architecture"]["network_class_name"].rpartition(".")[2]
        for name in ("3d_lowres", "3d_fullres")
    }
    assert classes == {"3d_lowres": "implanted_unet", "3d_fullres": "PlainConvUNet"}
    found = command(
        *("plans", source, genotypes[3], tmp_path / "other.json"),
        *("--configuration", "3d_cascade_fullres"),
    )
    assert "'3d_cascade_fullres' has the network of '3d_fullres': name that one" in found


def test_options_of_a_trainer_ask_for_that_trainer(command, plans, genotypes, tmp_path):
    out = tmp_path / "nnUNetPlansIAC.json"
    printed = command("plans", plans, genotypes[2], out, "--frozen", "--epochs", 5)
    assert "-tr nnUNetTrainerIAC" in printed
    assert "nnUNet_extTrainer=" in printed
    new = json.loads(out.read_text())
    assert new["iac_components"]["training"]["frozen"] is True
    assert new["iac_components"]["training"]["epochs"] == 5
    assert two_d(new)["architecture"]["arch_kwargs"]["trainer"] == "nnUNetTrainerIAC"


def test_plans_of_a_search(command, plans, tmp_path):
    out = tmp_path / "nnUNetPlansSearch.json"
    operations = ("--operations", '["none", "skip_connect", "sep_conv_3x3"]')
    pruning = ("--criterion", "stability", "--keep_schedule", "[2, 1]")
    options = (*operations, *pruning, "--checkpointing", "true")
    assert "-tr nnUNetTrainerIACSearch" in command("search", plans, out, *options)
    search = json.loads(out.read_text())["iac_components"]["search"]
    assert search["operations"] == ["none", "skip_connect", "sep_conv_3x3"]
    assert search["checkpointing"] is True
    assert search["keep_schedule"] == [2, 1]
    assert list(json.loads(out.read_text())["configurations"]) == ["2d", "3d_fullres"]


def unknown_key(content):
    content["colour"] = 1


def unknown_argument(content):
    two_d(content)["architecture"]["arch_kwargs"]["colour"] = 1


def another_network(content):
    two_d(content)["architecture"]["network_class_name"] = "a.Transformer"


def old_plans(content):
    del two_d(content)["architecture"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (unknown_key, "key 'colour' is unknown"),
        (unknown_argument, "key 'configurations.2d.architecture.arch_kwargs.colour' is unknown"),
        (another_network, "network_class_name is 'a.Transformer': cells go into PlainConvUNet"),
        (old_plans, "field 'configurations.2d.architecture' is missing"),
    ],
)
def test_plans_of_another_kind(command, plans, genotypes, tmp_path, change, message):
    source = edited(plans, tmp_path / "source.json", change)
    found = command("plans", source, genotypes[2], tmp_path / "new.json")
    assert message in found
    assert str(source) in found
    assert not (tmp_path / "new.json").exists()


def test_errors_of_the_command(command, plans, genotypes, tmp_path):
    five = tmp_path / "five.json"
    save_genotype(random_genotype(replace(SearchSpace(2), levels=5), 1), five)
    there = tmp_path / "there.json"
    there.write_text("{}")
    no_weights = tmp_path / "c.pth"
    torch.save({"model": {}}, no_weights)
    new = tmp_path / "new.json"
    given = ("plans", plans, genotypes[2], new)
    for arguments, message in (
        (("plans", plans, five, new), "'2d': search_space.levels is 5, but the backbone has 2"),
        (("plans", plans, genotypes[2], there), "there.json' exists already"),
        (("search", plans, there), "there.json' exists already"),
        (("plans", plans, genotypes[2], tmp_path / "new"), "must end with .json"),
        ((*given, "--configuration", "4d"), "'4d' is not in the plans, which hold 2d, 3d_fullres"),
        ((*given, "--configuration", "3d_fullres"), "other dimensions than the genotype"),
        ((*given, "--weights", no_weights), "holds no 'network_weights'"),
        ((*given, "--weights", tmp_path / "{fold}.pth"), "no such checkpoint of any fold"),
        ((*given, "--epochs", "0"), "--epochs is 0"),
        ((*given, "--channel_divisor", "3"), "4 channels cannot be divided by K=3"),
        (("plans", plans, tmp_path / "none.json", new), "none.json': cannot be read"),
        (("search", plans, new, "--criterion", "best"), "--criterion is 'best'"),
        (("search", plans, new, "--groups", tmp_path / "g.csv"), "g.csv' does not exist"),
        (
            ("search", plans, new, "--criterion", "audit", "--keep_schedule", "[2, 1]"),
            "with --criterion audit it has no use",
        ),
        (("search", plans, new, "--epochs", "2"), "no architecture step would be made"),
    ):
        assert message in command(*arguments), arguments
        assert not new.exists()


def test_plans_that_hold_a_cell_are_no_source(command, plans, genotypes, tmp_path):
    out = tmp_path / "first.json"
    command("plans", plans, genotypes[2], out)
    found = command("plans", out, genotypes[2], tmp_path / "second.json")
    assert "was written by this command already" in found


def test_trainers_are_where_the_command_says(command):
    from pathlib import Path

    folder = Path(command("trainers").strip())
    assert (folder / "nnUNetTrainersIAC.py").is_file()


def test_defaults_are_those_of_the_interface():
    import inspect
    from dataclasses import fields

    from iac_components import search_cell
    from iac_components.nnunet.plans.options import SearchOptions

    theirs = inspect.signature(search_cell).parameters
    own = {field.name: field.default for field in fields(SearchOptions)}
    shared = set(own) & set(theirs) - {"weights", "steps_per_epoch"}
    assert len(shared) > 20
    assert {n: own[n] for n in shared} == {n: theirs[n].default for n in shared}
