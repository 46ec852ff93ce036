"""``architecture.json``: what was written is read; whatever is wrong is named, with the file."""

from __future__ import annotations

import copy
import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from iac_components.dints.decoding import decode
from iac_components.dints.topology import (
    SCHEMA_VERSION,
    ArchitectureError,
    load_architecture,
    parse_architecture,
    save_architecture,
)
from iac_components.dints.topology_grid import DintsSpace
from iac_components.search_space import SearchSpace, random_genotype, save_genotype

SPACES = st.builds(
    DintsSpace,
    num_blocks=st.integers(1, 6),
    num_depths=st.integers(2, 4),
    spatial_dims=st.sampled_from([2, 3]),
    use_downsample=st.booleans(),
    channel_mul=st.floats(0.1, 4) | st.just(1),
)
JSON_VALUES = st.none() | st.booleans() | st.integers() | st.text(st.characters(codec="utf-8"))


def random_architecture(space, seed=0, **options):
    draw = np.random.default_rng(seed)
    shape = (space.num_blocks, len(space.paths))
    return decode(
        space, draw.random(shape), draw.random((*shape, len(space.operations))), **options
    )


@given(SPACES, st.integers(0, 2**32), st.dictionaries(st.text(max_size=5), JSON_VALUES))
def test_round_trip(tmp_path_factory, space, seed, provenance):
    path = tmp_path_factory.getbasetemp() / "architecture.json"
    architecture = random_architecture(space, seed, provenance=provenance)
    save_architecture(architecture, path)
    loaded = load_architecture(path, space=space)
    assert loaded == architecture
    assert loaded.digest == architecture.digest


@pytest.fixture
def content(tmp_path):
    """JSON values of a good file."""
    path = tmp_path / "good.json"
    save_architecture(random_architecture(DintsSpace(3, 3)), path)
    return json.loads(path.read_text(encoding="utf-8"))


def test_file_has_the_contract_s_fields(content):
    top = {"schema_version", "kind", "search_space", "blocks", "provenance", "digest"}
    assert set(content) == top
    assert (content["schema_version"], content["kind"]) == (SCHEMA_VERSION, "dints")
    assert set(content["blocks"][0]) == {"paths"}
    assert set(content["blocks"][0]["paths"][0]) == {"source", "target", "operation"}


def edit(content, path, value=...):
    """Set the field at ``path``, or delete it."""
    content = copy.deepcopy(content)
    content.pop("digest", None)
    at = content
    for key in path[:-1]:
        at = at[key]
    if value is ...:
        del at[path[-1]]
    else:
        at[path[-1]] = value
    return content


SPACE_FIELDS = (
    "num_blocks",
    "num_depths",
    "spatial_dims",
    "use_downsample",
    "channel_mul",
    "operations",
)
PATH = ("blocks", 1, "paths", 0)
AT_PATH = r"blocks\[1\]\.paths\[0\]"


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        (("schema_version",), SCHEMA_VERSION + 1, "schema_version is .*Upgrade"),
        (("kind",), ..., "field 'kind' is missing"),
        (("kind",), "cell", "kind is 'cell', this package reads 'dints' here"),
        (("search_space",), [], "search_space must be a JSON object, got list"),
        *((("search_space", f), ..., f"'search_space.{f}' is missing") for f in SPACE_FIELDS),
        (("search_space", "num_blocks"), 3.0, "search_space.num_blocks must be an integer"),
        (("search_space", "num_blocks"), 10**12, "search_space.num_blocks must be 1 to 64"),
        (("search_space", "num_blocks"), 4, "blocks must hold 4 blocks"),
        (("search_space", "num_depths"), 6, "search_space.num_depths must be 2 to 5"),
        (("search_space", "spatial_dims"), 2, "search_space.operations must be"),
        (("search_space", "use_downsample"), 1, "search_space.use_downsample must be true or"),
        (("search_space", "channel_mul"), "1", "search_space.channel_mul must be a number"),
        (("search_space", "channel_mul"), float("inf"), "search_space.channel_mul .*finite"),
        (("search_space", "channel_mul"), 0, "search_space.channel_mul must make 2 channels"),
        (("search_space", "operations"), ["conv_3x3x3"], "search_space.operations must be"),
        (("blocks",), {}, "blocks must be a list, got dict"),
        (("blocks", 1), [], r"blocks\[1\] must be a JSON object, got list"),
        (("blocks", 1, "paths"), ..., r"field 'blocks\[1\].paths' is missing"),
        (("blocks", 1, "paths"), [], r"blocks\[1\]\.paths is empty"),
        (PATH, 5, AT_PATH + " must be a JSON object, got int"),
        ((*PATH, "source"), ..., "field '" + AT_PATH + ".source' is missing"),
        ((*PATH, "target"), "0", AT_PATH + ".target must be an integer, got '0'"),
        ((*PATH, "target"), 7, AT_PATH + " leads from depth . to 7"),
        ((*PATH, "operation"), "rm -rf", AT_PATH + ".operation 'rm -rf' is not in"),
        (("provenance",), 1, "provenance must be a JSON object, got int"),
        (("digest",), "sha256:0", "digest is 'sha256:0', but the architecture's is"),
    ],
)
def test_wrong_field_is_named_with_the_file(tmp_path, content, path, value, message):
    broken = edit(content, path, value)
    with pytest.raises(ArchitectureError, match=message):
        parse_architecture(broken)
    file = tmp_path / "broken ärchitecture.json"
    file.write_text(json.dumps(broken), encoding="utf-8")
    with pytest.raises(ArchitectureError, match=message) as caught:
        load_architecture(file)
    assert str(file) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_edited_architecture_contradicts_the_digest(content):
    content["search_space"]["channel_mul"] = 0.5
    with pytest.raises(ArchitectureError, match=r"digest .* changed after the search"):
        parse_architecture(content)


def test_provenance_may_lack(content):
    assert parse_architecture(edit(content, ("provenance",))).provenance == {}


def test_architecture_of_another_space(tmp_path):
    path = tmp_path / "architecture.json"
    space = DintsSpace(3, 3, channel_mul=0.5)
    save_architecture(random_architecture(space), path)
    assert load_architecture(path, space=space).space == space
    with pytest.raises(ArchitectureError) as caught:
        load_architecture(path, space=DintsSpace(12, 3, use_downsample=False, channel_mul=0.5))
    assert str(caught.value) == (
        f"Architecture '{path}': made for another space: search_space.num_blocks is 3 instead of "
        "12, search_space.use_downsample is True instead of False. Pass an architecture that was "
        "searched in this space, or build the network for the architecture's own."
    )


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        (b"", "not valid JSON"),
        (b"PK\x03\x04\xff", "not valid JSON"),
        (b"[]", "the file must be a JSON object, got list"),
        (b" " * 1_000_001, "larger than 1000000 bytes"),
    ],
    ids=["empty", "pickle", "list", "large"],
)
def test_foreign_file(tmp_path, raw, message):
    file = tmp_path / "architecture.json"
    file.write_bytes(raw)
    with pytest.raises(ArchitectureError, match=message) as caught:
        load_architecture(file)
    assert str(file) in str(caught.value)


def test_a_cell_s_genotype_is_told_apart(tmp_path):
    save_genotype(random_genotype(SearchSpace(2), 0), tmp_path / "genotype.json")
    with pytest.raises(ArchitectureError, match=r"genotype\.json': field 'kind' is missing"):
        load_architecture(tmp_path / "genotype.json")


def test_largest_space_is_far_below_the_limit(tmp_path):
    save_architecture(random_architecture(DintsSpace(64, 5)), tmp_path / "large.json")
    assert (tmp_path / "large.json").stat().st_size < 300_000
    load_architecture(tmp_path / "large.json")
