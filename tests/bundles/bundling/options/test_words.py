"""A schema in words, and the table of options."""

from __future__ import annotations

import pytest

from iac_components.bundling.options import allowed_words, option_table


@pytest.mark.parametrize(
    ("schema", "words"),
    [
        ({"type": "integer"}, "a whole number"),
        ({"type": "integer", "minimum": 1}, "a whole number of at least 1"),
        ({"type": "integer", "minimum": 1, "maximum": 8}, "a whole number from 1 to 8"),
        ({"type": ["integer", "null"], "minimum": 1}, "a whole number of at least 1 or null"),
        (
            {"type": "number", "exclusiveMinimum": 0, "maximum": 1},
            "a number above 0 and of at most 1",
        ),
        ({"type": "number", "exclusiveMaximum": 1}, "a number below 1"),
        ({"type": "boolean"}, "true or false"),
        ({"type": "string"}, "text"),
        ({"enum": ["a", "b"]}, "a or b"),
        (
            {"anyOf": [{"type": "number", "minimum": 1}, {"const": -1}]},
            "a number of at least 1 or -1",
        ),
        ({"type": "array"}, "a list"),
        (
            {"type": "array", "items": {"type": "integer"}, "minItems": 2, "maxItems": 2},
            "a list of 2 whole numbers",
        ),
        (
            {"type": "array", "items": {"type": "string"}, "minItems": 1, "uniqueItems": True},
            "a list of 1 or more texts, each once",
        ),
        (
            {
                "type": "object",
                "additionalProperties": {"type": "array", "items": {"type": "number"}},
            },
            "an object of names, each with a list of numbers",
        ),
        ({"type": "object"}, "an object"),
        ({"type": "integer", "allowed": "what I say"}, "what I say"),
    ],
)
def test_a_schema_in_words(schema, words):
    assert allowed_words(schema) == words


def test_the_table():
    config = {
        "imports": [],
        "epochs": 200,
        "amp": "$torch.cuda.is_available()",
        "output_dir": "$@bundle_root + '/eval'",
        "loss": {"_target_": "DiceLoss"},
        "trace": {"_target_": "Trace"},
    }
    assert option_table("iac", config).splitlines() == [
        "| option | default | allowed | meaning |",
        "| --- | --- | --- | --- |",
        "| `--epochs` | `200` | a whole number of at least 1 | Length of the run |",
        "| `--amp` | true with CUDA | true or false | "
        "Mixed precision: float16 on a GPU, bfloat16 on a CPU, where it pays in 3-D on "
        "processors with AMX or AVX512-BF16 |",
        "| `--output_dir` | `<bundle_root>/eval` | a folder | Where results are written |",
        "",
        "Replaced as a whole: `loss` (the loss).",
    ]


def test_a_key_without_an_entry_is_refused():
    with pytest.raises(ValueError, match="the schema of 'dints' lacks num_nodes: add an entry"):
        option_table("dints", {"num_nodes": 4})
