"""Values that make no sense: one line that names the option, the value and what is allowed."""

from __future__ import annotations

import pytest

from iac_components.bundling.options import load_options

NAN, INFINITE = float("nan"), float("inf")
WHOLE = "it must be a whole number of at least 1."
PATCH = "it must be a list of 2 whole numbers that the network can halve."

# Options of both methods, where a fold is searched or trained. Each is tried where it lies with
# others: in a search of cells, and in a training of a topology.
SHARED = {
    "epochs": {
        "ten": WHOLE,
        0: WHOLE,
        2.5: WHOLE,
        2.0: WHOLE,
        True: WHOLE,
        None: WHOLE,
        "3": WHOLE,
    },
    "batch_size": {1.5: WHOLE, 0: WHOLE, "many": WHOLE, -4: WHOLE},
    "steps_per_epoch": {0: "at least 1 or null", "few": "at least 1 or null", 1.5: "or null"},
    "fold": {"one": "from 0 to num_folds - 1", -1: "from 0", 9: "below --num_folds 5", 5: "below"},
    "num_folds": {1: "of at least 2", 0: "of at least 2", "five": "of at least 2"},
    "split_seed": {-1: "from 0 to 4294967294", "a": "from 0"},
    "seed": {-1: "from 0 to 4294967294", 1 << 32: "from 0 to 4294967294", 0.5: "from 0"},
    "learning_rate": {-1: "a number of at least 0", "nan": "a number", NAN: "a", INFINITE: "a"},
    "val_interval": {0: "from 1 to epochs", 1000: "at most --epochs"},
    "num_workers": {-1: "from 0 to 256", 100_000: "from 0 to 256", "all": "from 0 to 256"},
    "augment": {"maybe": "it must be true or false.", 1: "it must be true or false."},
    "amp": {"maybe": "it must be true or false.", 0: "it must be true or false."},
    "resume": {"yes": "it must be true or false."},
    "in_channels": {0: WHOLE, "two": WHOLE},
    "out_channels": {1: "of at least 2", 7: "it must be 3, the 2 of --class_names"},
    "layout": {"decatlon": "one of acdc", 3: "the name of a layout"},
    "class_names": {"left": "a list of names, each once", ("a", "a"): "each once", (): "a list"},
    "label_values": {("a",): "whole numbers of at least 0", (-1,): "at least 0", 3: "a list"},
    "device": {
        "cuda:77": "this machine has",
        "banana": "PyTorch knows no such device",
        "meta": "it computes nothing",
        7: "cpu, cuda, cuda:N",
    },
    "dataset_dir": {5: "it must be a folder", "": "a folder"},
    "output_dir": {2024: "write ./ before the name", ("x",): "write ./ before the name"},
    "folds_file": {None: "it must be a file"},
    "cache_dir": {5: "it must be a folder or null"},
    "pixdim": {
        (0, 0, 0): "3 numbers from 0.01 to 50, or -1",
        (1, 1): "a list of 3 numbers",
        (1, 1, -2): "or -1",
        (1, 1, NAN): "a list of 3 numbers",
        1.0: "a list of 3 numbers",
    },
    "flip_probabilities": {(2, 0): "numbers from 0 to 1", 0.5: "a list of", (0.5,): "a list of"},
    "loss": {"DiceLoss": "an object with _target_", 3: "an object", None: "an object"},
    "optimizer": {"Adam": "an object with _target_"},
    "train": {3: "it must be an object"},
    "run": {3: "it must be a list"},
}

CASES = {
    ("search", "iac"): {
        "warmup_epochs": {300: "below --epochs 200", -1: "from 0 to epochs - 1", "a": "from 0"},
        "architecture_learning_rate": {-0.1: "above 0", NAN: "above 0", 0: "above 0"},
        "architecture_every": {0: WHOLE, 10_000: "the architecture would never learn"},
        "num_nodes": {"two": "from 1 to 8", 64: "from 1 to 8", 0: "from 1 to 8"},
        "keep_schedule": {
            3: "a list of falling whole numbers",
            (9,): "a count may be 7 at most, fewer than the 8 operations",
            (8, 1): "a count may be 7 at most",
            (1, 3): "its counts must fall",
            (2, 2): "its counts must fall",
            (0,): "from 1 to",
        },
        "edge_schedule": {
            (9,): "a count may be 5 at most",
            (1,): "from 2 to",
            (2, 3): "its counts must fall",
            "two": "a list of falling",
        },
        "operations": {
            ("none", "sep_conv"): "sep_conv is unknown. Known are none, skip_connect",
            ("none",): "one other than 'none' is needed",
            ("none", "none"): "each once",
            "none": "a list of registered operations",
        },
        "channel_divisor": {0: WHOLE, 1.5: WHOLE},
        "patch_size": {(8, 8, 8): PATCH, 8: PATCH, (8, 0): PATCH, (512, 512): "--field_of_view"},
        "field_of_view": {(0, 0, 0): "at least 1, or -1", (48, 64): "a list of 3", "all": "a list"},
        "empty_fraction": {1.5: "from 0 to 1", "half": "from 0 to 1"},
        "pruning": {"maybe": "true or false"},
        "separate_levels": {"maybe": "true or false"},
        "sites": {
            "decoder": "a list of skips, bottleneck and decoder",
            (): "each at most once",
            ("skips", "skips"): "each at most once",
            ("skips", "neck"): "a list of skips, bottleneck and decoder",
        },
        "checkpointing": {"maybe": "true or false"},
        "channels_last": {"maybe": "true or false"},
        "frozen_backbone": {"maybe": "true or false"},
        "backbone_ckpt": {3: "a file or null"},
    },
    ("search", "dints"): {
        "warmup_epochs": {60: "below --epochs 60"},
        "patches_per_volume": {0: WHOLE},
        "num_blocks": {0: "from 1 to 24", 100: "from 1 to 24"},
        "num_depths": {1: "from 2 to 5", 9: "from 2 to 5", "deep": "from 2 to 5"},
        "channel_mul": {0: "from 0.0625 to 8", 100: "from 0.0625 to 8"},
        "use_downsample": {"maybe": "true or false"},
        "memory_fraction": {2: "above 0 and of at most 1 or null", 0: "above 0", "all": "above 0"},
        "memory_gigabytes": {-1: "above 0 or null", "all": "above 0 or null"},
        "entropy_weight": {-1: "at least 0"},
        "memory_weight": {"a": "at least 0"},
        "topology_weight": {NAN: "at least 0"},
        "keep_schedule": {(9,): "fewer than the 5 operations", (1, 2): "must fall"},
        "path_pruning": {"maybe": "true or false"},
        "patch_size": {
            (8, 8, 8): "a multiple of 8, and 16 at least",
            (20, 20, 20): "multiple",
            (8, 8): "3",
        },
    },
    ("train", "iac"): {
        "regions": {
            "foo": "null, or the label values of each region",
            ("a",): "null, or the label values",
        },
        "skip_module": {"nothing": "one of iac, plain, attention", 3: "iac, plain"},
        "genotype_path": {7: "a file or null"},
        "checkpoint": {7: "it must be a file"},
        "ckpt_dir": {7: "it must be a folder"},
        "frozen_backbone": {"maybe": "true or false"},
        "patch_size": {(512, 512): "it must lie within --field_of_view [64, 96, -1]"},
        "lr_scheduler": {"cosine": "an object with _target_"},
    },
    ("train", "dints"): {"architecture_path": {7: "it must be a file"}},
    ("inference", "iac"): {
        "skip_module": {"nothing": "one of iac"},
        "amp": {"maybe": "true or false"},
        "num_workers": {-1: "from 0"},
        "device": {"cuda:77": "this machine has"},
        "pixdim": {(0, 0, 0): "or -1"},
        "inferer": {"SliceInferer": "an object"},
    },
    ("inference", "dints"): {
        "patch_size": {8: "a list of 3"},
        "amp": {"maybe": "true or false"},
        "checkpoint": {None: "it must be a file"},
    },
}

HUGE = 10**9
MOST = "makes no sense here."
SLIPS = [
    *(
        (stage, method, name, HUGE)
        for stage in ("search", "train")
        for method in ("iac", "dints")
        for name in ("epochs", "batch_size", "steps_per_epoch", "num_folds", "in_channels")
    ),
    *(("train", "iac", name, 1e6) for name in ("learning_rate",)),
    ("search", "iac", "architecture_learning_rate", 1e6),
    ("search", "dints", "patches_per_volume", HUGE),
    ("search", "dints", "memory_weight", 1e12),
    ("train", "iac", "field_of_view", [HUGE, HUGE, -1]),
    ("inference", "iac", "patch_size", [96, HUGE]),
    ("train", "iac", "patch_size", [HUGE, HUGE]),
    ("train", "dints", "patch_size", [16, 16, HUGE]),
    ("train", "iac", "train#trainer#max_epochs", HUGE),
    ("train", "iac", "epochs", "$10 ** 9"),
]


@pytest.mark.parametrize(("stage", "method", "name", "value"), SLIPS, ids=str)
def test_a_number_beyond_any_sense_gets_one_line(refusal, stage, method, name, value):
    message = refusal(stage, {name: value}, method=method)
    assert message is not None
    assert message.startswith(f"--{name} is {value!r}")
    assert message.endswith(MOST)
    assert "\n" not in message


@pytest.mark.parametrize("method", ["iac", "dints"])
def test_every_number_has_a_largest_that_makes_sense(method):
    for option in load_options(method).values():
        if {"integer", "number", "array"} & set(option.types) and option.is_value:
            items = option.schema.get("items", option.schema)
            parts = items.get("anyOf", [items])
            words = ("maximum", "exclusiveMaximum")
            bounds = [option.most, *(part.get(word) for part in parts for word in words)]
            named = items.get("type") == "string" or "enum" in items
            assert named or any(b is not None for b in bounds), option.name


WITH_SHARED = (("search", "iac"), ("train", "dints"))

TABLE = [
    (*key, name, value, words)
    for key, rows in CASES.items()
    for name, values in {**(SHARED if key in WITH_SHARED else {}), **rows}.items()
    for value, words in values.items()
    if (key, name) != (("search", "iac"), "val_interval")
]


# A search by audit, the default, follows none.
SCHEDULES = ("keep_schedule", "edge_schedule")


@pytest.mark.parametrize(("stage", "method", "name", "value", "words"), TABLE)
def test_senseless_value_gets_one_line(refusal, stage, method, name, value, words):
    given = list(value) if isinstance(value, tuple) else value
    rule = {"criterion": "stability", "pruning": True} if name in SCHEDULES else {}
    message = refusal(stage, {**rule, name: given}, method=method)
    assert message is not None
    assert message.startswith(f"--{name} is {given!r}")
    assert words in message
    assert "\n" not in message


@pytest.mark.parametrize("names", [("evaluate",), ("tensorboard",)])
def test_override_files_are_checked_alike(refusal, names):
    assert "--fold is 9" in refusal("train", {"fold": 9}, *names)


@pytest.mark.parametrize("method", ["iac", "dints"])
@pytest.mark.parametrize(
    "names",
    [
        ("search", "multi_gpu_search"),
        ("train", "multi_gpu_train"),
        ("train", "evaluate", "multi_gpu_evaluate"),
    ],
)
def test_several_gpus_are_not_waited_for(refusal, method, names):
    stage, *rest = names
    assert "--fold is 'one'" in refusal(stage, {"fold": "one"}, *rest, method=method)
