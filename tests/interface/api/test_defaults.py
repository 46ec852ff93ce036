"""The interface does by default what the bundles' configs do."""

from __future__ import annotations

import inspect
from dataclasses import replace
from pathlib import Path

import pytest
from equal_engines import assert_same_trainer, assert_same_validator, facts, of_optimizer, recorded
from monai.bundle import ConfigWorkflow

import iac_components as iac
from iac_components.data.datasets.fingerprint import transform_fingerprint
from iac_components.engine import RunRecord
from iac_components.interface.api.cells import AUDIT_LEARNING_RATE, LEARNING_RATE, WARMUP_EPOCHS
from iac_components.interface.api.cells import BATCH_SIZE as SEARCH_BATCH
from iac_components.interface.api.engines.audits import audit_of
from iac_components.interface.api.engines.components import (
    cell_criterion,
    segmentation_loss,
    topology_criterion,
)
from iac_components.interface.api.engines.search_trainers import CellSearchPlan, cell_search_trainer
from iac_components.interface.api.engines.topology_plan import TopologySearch, TopologySearchPlan
from iac_components.interface.api.engines.topology_trainers import topology_engines
from iac_components.interface.api.engines.trainers import HeldOut, training_engines
from iac_components.interface.api.inputs.part_batches import PartBatches
from iac_components.interface.api.inputs.transforms import (
    augmentation,
    class_maps,
    training_volumes,
    whole_volumes,
    window_inferer,
)
from iac_components.interface.api.runs.arguments import RunSettings
from iac_components.interface.api.topologies import BATCH_SIZE as TOPOLOGY_BATCH
from iac_components.interface.api.topologies import VAL_INTERVAL as TOPOLOGY_INTERVAL
from iac_components.interface.api.training import BATCH_SIZE, VAL_INTERVAL
from iac_components.networks import CellSearchNetwork

BUNDLES = Path(__file__).parents[3] / "bundles"

pytestmark = pytest.mark.filterwarnings("ignore")


class Config:
    """A bundle's config on the phantom, of which parts are built when they are asked for."""

    def __init__(self, name, stage, phantom, folder):
        root = BUNDLES / f"hippocampus_{name}_segmentation_{stage}"
        self.workflow = ConfigWorkflow(
            [str(root / "configs" / f"{stage}.json")],
            logging_file=False,
            workflow_type="train",
            bundle_root=str(root),
            dataset_dir=str(phantom),
            output_dir=str(folder / stage),
            initialize=[],
            **({"ckpt_dir": str(folder / stage)} if stage == "train" else {}),
        )
        self.workflow.initialize()

    def __getitem__(self, name):
        return self.workflow.parser.get_parsed_content(name)


@pytest.fixture(scope="module")
def config(phantom, tmp_path_factory):
    made = {}

    def make(name, stage):
        folder = tmp_path_factory.mktemp("config")
        return made.setdefault((name, stage), Config(name, stage, phantom, folder))

    return make


def recipe(config, **more):
    keys = ("class_names", "in_channels", "pixdim", "patch_size", "flip_probabilities")
    slices = {"field_of_view": config["field_of_view"]} if len(config["patch_size"]) == 2 else {}
    return iac.Recipe(**{key: config[key] for key in keys}, **slices, **more)


def batches(data, part, made):
    return PartBatches(part, replace(getattr(data, part), recipe=made))


def settings(config, method="iac"):
    return RunSettings.checked(
        method=method,
        output_dir=config["output_dir"],
        device="cpu",
        amp=False,
        **{
            key: config[key]
            for key in ("epochs", "learning_rate", "steps_per_epoch", "batch_size", "resume")
        },
        seed=config["seed"],
        num_workers=config["num_workers"],
        others={},
    )


@pytest.mark.parametrize(
    ("name", "stage"), [("unet_iac", "search"), ("unet_iac", "train"), ("dints", "search")]
)
def test_transforms_are_those_of_the_config(config, name, stage):
    bundle = config(name, stage)
    made = recipe(bundle)
    if name == "dints":
        # One channel by itself or with no other is the same, and the configs write both.
        made = recipe(bundle, voxel_values=bundle["voxel_values"])
    assert transform_fingerprint(training_volumes(made)) == transform_fingerprint(
        bundle["train#preprocessing"]
    )
    assert transform_fingerprint(augmentation(made)) == transform_fingerprint(
        bundle["train#augmentation"]
    )
    if (name, stage) != ("unet_iac", "search"):
        volumes = whole_volumes(made)
        assert transform_fingerprint(volumes) == transform_fingerprint(
            bundle["validate#preprocessing"]
        )
        assert transform_fingerprint(class_maps(volumes)) == transform_fingerprint(
            bundle["validate#postprocessing"]
        )
        assert facts(window_inferer(made)) == facts(bundle["validate#inferer"])


def test_training_is_that_of_the_config(monkeypatch, config, data):
    bundle = config("unet_iac", "train")
    made = recipe(bundle)
    theirs = bundle["train#trainer"]
    held_out = HeldOut(
        batches(data, "validation", made), tuple(bundle["class_names"]), bundle["val_interval"]
    )
    with monkeypatch.context() as patched:
        handlers = recorded(patched)
        trainer, validator = training_engines(
            bundle["network_def"],
            batches(data, "train", made),
            held_out,
            settings(bundle),
            loss=segmentation_loss(over_batch=True),
            record=RunRecord(),
        )
    assert_same_trainer(trainer, theirs, handlers[1], bundle["train#handlers"])
    assert [facts(h) for h in handlers[0]] == [facts(h) for h in bundle["validate#handlers"]]
    assert_same_validator(validator, bundle["validate#evaluator"], made)
    ours = next(h for h in handlers[1] if hasattr(h, "lr_scheduler")).lr_scheduler
    assert type(ours) is type(bundle["lr_scheduler"])
    assert ours.T_max == bundle["lr_scheduler"].T_max


def test_cell_search_is_that_of_the_config(monkeypatch, config, data):
    bundle = config("unet_iac", "search")
    made = recipe(bundle)
    network: CellSearchNetwork = bundle["network_def"]
    warmup = bundle["warmup_epochs"]
    assert repr(cell_criterion(warmup)) == repr(bundle["stability"])
    options = ("tolerance", "alpha", "images_a_patient", "audit_every", "cost", "max_cost")
    plan = CellSearchPlan(
        criterion=bundle["criterion"],
        stability=cell_criterion(warmup),
        audit={name: bundle[name] for name in options},
        loss=segmentation_loss(),
        **{
            key: bundle[key]
            for key in (
                "warmup_epochs",
                "architecture_learning_rate",
                "architecture_every",
                "pruning",
                "keep_schedule",
                "edge_schedule",
            )
        },
    )
    halves = {part: batches(data, part, made) for part in ("weights", "architecture")}
    audit = audit_of(network, halves["architecture"], settings(bundle), plan)
    assert audit.settings == bundle["audit"].settings
    assert audit.costs.image_shape == bundle["audit"].costs.image_shape
    with monkeypatch.context() as patched:
        handlers = recorded(patched)
        trainer = cell_search_trainer(
            network,
            halves,
            settings(bundle),
            plan,
            trace=bundle["trace"],
            audit=audit,
            record=RunRecord(),
        )
    theirs = bundle["train#trainer"]
    assert_same_trainer(trainer, theirs, handlers[0], bundle["train#handlers"])
    assert of_optimizer(trainer.architecture_optimizer) == of_optimizer(
        theirs.architecture_optimizer
    )
    assert trainer.architecture_data_loader.sampler.seed == (
        theirs.architecture_data_loader.sampler.seed
    )
    assert trainer.architecture_data_loader.dataset.seed == bundle["seed"] + 1
    assert type(trainer.architecture_gradient) is type(theirs.architecture_gradient)


def test_topology_search_is_that_of_the_config(monkeypatch, config, volumes):
    bundle = config("dints", "search")
    made = recipe(bundle, voxel_values=bundle["voxel_values"])
    keys = set(TopologySearchPlan.__dataclass_fields__) - {"stability", "audit"}
    stability = topology_criterion(bundle["warmup_epochs"])
    assert repr(stability) == repr(bundle["stability"])
    names = ("tolerance", "alpha", "images_a_patient", "audit_every")
    plan = TopologySearchPlan(
        **{key: bundle[key] for key in keys},
        stability=stability,
        audit={name: bundle[name] for name in names},
    )
    assert plan.audit_settings() == bundle["audit"].settings
    search = TopologySearch(
        bundle["network_def"],
        plan,
        bundle["budget"],
        bundle["trace"],
        bundle["best"],
        bundle["audit"],
        segmentation_loss(),
    )
    parts = {
        part: batches(volumes, part, made) for part in ("weights", "architecture", "validation")
    }
    with monkeypatch.context() as patched:
        handlers = recorded(patched)
        trainer, validator = topology_engines(
            search,
            parts,
            settings(bundle, "dints"),
            class_names=bundle["class_names"],
            interval=bundle["val_interval"],
            record=RunRecord(),
        )
    theirs = bundle["train#trainer"]
    listed = [*bundle["train#handlers"], bundle["train#summary"], bundle["train#checkpoint"]]
    assert_same_trainer(trainer, theirs, handlers[1], listed)
    assert [facts(h) for h in handlers[0]] == [facts(h) for h in bundle["validate#handlers"]]
    assert_same_validator(validator, bundle["validate#evaluator"], made)
    assert of_optimizer(trainer.architecture_optimizer) == of_optimizer(
        theirs.architecture_optimizer
    )
    assert facts(trainer.regularizer) == facts(theirs.regularizer)


# What a data set's own config sets, the interface takes from the data.
OF_THE_DATA = {"steps_per_epoch"}
# Of DiNTS' search the criterion is an object still.
WORDS = {"cost"}


@pytest.mark.parametrize(
    ("function", "name", "stage"),
    [
        ("train", "unet_iac", "train"),
        ("search_cell", "unet_iac", "search"),
        ("search_topology", "dints", "search"),
    ],
)
def test_arguments_default_to_the_options(config, function, name, stage):
    options = config(name, stage).workflow.parser.get()
    compared = 0
    for key, parameter in inspect.signature(getattr(iac, function)).parameters.items():
        value = options.get(key)
        plain = isinstance(value, int | float | bool | list) or key in WORDS
        if plain and key not in OF_THE_DATA and parameter.default is not None:
            default = parameter.default
            assert (list(default) if isinstance(default, tuple) else default) == value, key
            compared += 1
    assert compared >= 4


def test_defaults_that_depend_on_others_are_the_options(config):
    train, search, topology = (
        config(*key).workflow.parser.get()
        for key in (("unet_iac", "train"), ("unet_iac", "search"), ("dints", "search"))
    )
    assert (train["batch_size"], train["val_interval"]) == (BATCH_SIZE, VAL_INTERVAL)
    assert search["batch_size"] == SEARCH_BATCH
    expected = f"${WARMUP_EPOCHS[True]} if @frozen_backbone else {WARMUP_EPOCHS[False]}"
    assert search["warmup_epochs"] == expected
    assert search["learning_rate"].startswith(f"${AUDIT_LEARNING_RATE} if")
    assert "and @frozen_backbone else" in search["learning_rate"]
    assert search["learning_rate"].endswith(f"else {LEARNING_RATE}")
    assert topology["batch_size"] == TOPOLOGY_BATCH
    assert topology["val_interval"] == TOPOLOGY_INTERVAL
    assert train["empty_fraction"] == iac.Recipe.empty_fraction
    assert train["augment"] is iac.Recipe.augment
    assert topology["patches_per_volume"] == iac.Recipe.patches_per_volume
