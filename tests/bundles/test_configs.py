"""Every config by itself: key order, targets, references, overrides, paths. Nothing is run."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from monai.bundle import ComponentLocator, ConfigParser
from monai.bundle.reference_resolver import ReferenceResolver
from monai.utils import optional_import

BUNDLES = Path(__file__).parents[2] / "bundles"
CONFIGS = sorted(
    path
    for path in BUNDLES.glob("*/configs/*.json")
    if path.name not in ("metadata.json", "evaluate.json")
)
OVERRIDES = sorted(BUNDLES.glob("*/configs/evaluate.json"))
ORDER = {
    "search": "imports dataset_name backbone_def network_def loss optimizer train initialize run",
    "train": (
        "imports dataset_name bundle_root dataset_dir output_dir backbone_def network_def loss "
        "optimizer train validate initialize run"
    ),
    "inference": (
        "imports dataset_name bundle_root dataset_dir output_dir backbone_def network_def "
        "preprocessing dataset dataloader inferer postprocessing evaluator initialize run"
    ),
}
WITHIN_TRAIN = "preprocessing dataset dataloader inferer handlers trainer"
# An override file may add these to what train.json defines.
ADDED = {"+imports", "initialize", "run"}
FOREIGN_PATH = re.compile(r"(^/|~|[A-Z]:\\|/(home|root|work|tmp|mnt|media|users|processed)/)", re.I)


def label(path: Path) -> str:
    return f"{path.parts[-3]}/{path.name}"


every_config = pytest.mark.parametrize("path", CONFIGS, ids=label)
every_file = pytest.mark.parametrize("path", CONFIGS + OVERRIDES, ids=label)


def read(path: Path) -> dict:
    return json.loads(path.read_text(encoding="utf-8"))


def merged(path: Path) -> ConfigParser:
    """The config as MONAI sees it: an override file on top of the train config."""
    parser = ConfigParser()
    files = [path.with_name("train.json"), path] if path.name == "evaluate.json" else [path]
    parser.read_config([str(file) for file in files])
    return parser


def walk(value: object, where: str = "") -> Iterator[tuple[str, object]]:
    """Every value below ``value`` with its id."""
    yield where, value
    if isinstance(value, (dict, list)):
        for key, item in value.items() if isinstance(value, dict) else enumerate(value):
            yield from walk(item, f"{where}#{key}" if where else str(key))


@pytest.fixture(scope="module")
def locator() -> ComponentLocator:
    return ComponentLocator()


def resolve(target: str, locator: ComponentLocator) -> object:
    """What MONAI finds for a ``_target_``, as ConfigComponent does it."""
    module = locator.get_component_module_name(target)
    if isinstance(module, list):
        module = module[0]
    path, _, name = (target if module is None else f"{module}.{target}").rpartition(".")
    found, there = optional_import(path, name=name) if path else (None, False)
    return found if there else None


def test_there_is_a_config_for_each_stage():
    assert len(CONFIGS) == 6
    assert len(OVERRIDES) == 2


@every_config
def test_key_order(path):
    config = list(read(path))
    landmarks = ORDER[path.stem].split()
    assert [key for key in config if key in landmarks] == landmarks
    assert config[0] == "imports"
    assert config[-2:] == ["initialize", "run"]


@pytest.mark.parametrize("path", [p for p in CONFIGS if p.stem != "inference"], ids=label)
def test_key_order_within_train(path):
    landmarks = WITHIN_TRAIN.split()
    assert [key for key in read(path)["train"] if key in landmarks] == landmarks


@every_config
def test_constants_come_before_paths_and_paths_before_objects(path):
    config = read(path)
    keys = list(config)
    paths = {key for key, value in config.items() if "@bundle_root" in str(value)}
    first_object = min(i for i, key in enumerate(keys) if isinstance(config[key], dict))
    assert keys.index("bundle_root") < min(keys.index(key) for key in paths)
    assert max(keys.index(key) for key in paths) < first_object
    # Before the paths stand plain values and their device, nothing that reads a file.
    for key in keys[1 : keys.index("bundle_root")]:
        assert not isinstance(config[key], dict), key


@every_file
def test_every_target_is_importable(path, locator):
    targets = {
        v["_target_"] for _, v in walk(read(path)) if isinstance(v, dict) and "_target_" in v
    }
    assert targets
    assert [target for target in sorted(targets) if not callable(resolve(target, locator))] == []


def test_a_mistyped_target_would_be_found(locator):
    assert resolve("iac_components.networks.build_netwrok", locator) is None
    assert resolve("SliceInfererr", locator) is None


@every_file
def test_every_import_works(path):
    config = read(path)
    statements = config.get("imports", []) + config.get("+imports", [])
    assert statements
    for statement in statements:
        assert statement.startswith("$")
        # MONAI takes only the first of several names.
        assert "," not in statement
        exec(statement[1:], {})


@every_file
def test_every_import_is_used(path):
    config = read(path)
    statements = config.pop("imports", []) + config.pop("+imports", [])
    text = json.dumps(merged(path).get() if path.name == "evaluate.json" else config)
    for statement in statements:
        name = statement.split()[-1]
        assert re.search(rf"\b{name}\b", text), f"{name} is imported and never used"


@every_file
def test_every_reference_resolves(path):
    parser = merged(path)
    references = 0
    for where, value in walk(parser.get()):
        if isinstance(value, str) and value.startswith(("@", "$")):
            for reference in ReferenceResolver.match_refs_pattern(value):
                references += 1
                assert reference in parser, f"{where} refers to '{reference}', which does not exist"
    assert references > 10


@every_config
def test_loaders_load_datasets(path):
    """A reference that resolves can still be the wrong one."""
    parser = merged(path)
    loaders = {
        where: v for where, v in walk(parser.get()) if isinstance(v, dict) and "dataset" in v
    }
    assert any("_target_" in v for v in loaders.values())
    for where, loader in loaders.items():
        if "_target_" in loader:
            assert "_target_" in parser[loader["dataset"].removeprefix("@")], where


@pytest.mark.parametrize("path", OVERRIDES, ids=label)
def test_overrides_override_something(path):
    train = ConfigParser(read(path.with_name("train.json")))
    unknown = [key for key in read(path) if key not in ADDED and key not in train]
    assert unknown == []


@every_file
def test_no_path_of_a_machine(path):
    strings = [(where, v) for where, v in walk(read(path)) if isinstance(v, str)]
    assert [item for item in strings if FOREIGN_PATH.search(item[1])] == []


@every_file
def test_expressions_are_short(path):
    for where, value in walk(read(path)):
        if isinstance(value, str) and value.startswith("$"):
            assert len(value) <= 200, where
            assert "\n" not in value, where


@every_config
def test_device_and_amp_follow_the_machine(path):
    config = read(path)
    assert "torch.cuda.is_available()" in config["device"]
    assert "LOCAL_RANK" in config["device"]
    assert config["amp"] == "$torch.cuda.is_available()"
    assert "report_errors_briefly" in config["initialize"][0]


@every_config
def test_switches_are_read_by_flag(path):
    """``--pruning false`` reaches a config as text, and text counts as true."""
    config = read(path)
    switches = [key for key, value in config.items() if isinstance(value, bool)]
    assert switches or path.stem == "inference"
    for where, value in walk(config):
        for key in switches:
            if isinstance(value, str) and re.search(rf"@{key}\b", value):
                assert f"flag(@{key}, '{key}')" in value, where
