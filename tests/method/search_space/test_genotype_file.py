"""``genotype.json``: what was written is read; whatever is wrong is named with file and field."""

from __future__ import annotations

import copy
import hashlib
import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iac_components.search_space import (
    DEFAULT_OPERATIONS,
    SCHEMA_VERSION,
    Genotype,
    GenotypeError,
    KeptEdge,
    SearchSpace,
    load_genotype,
    parse_genotype,
    random_genotype,
    save_genotype,
)

JSON_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(codec="utf-8")),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=8,
)
SPACES = st.builds(
    SearchSpace,
    spatial_dims=st.sampled_from([2, 3]),
    operations=st.permutations(DEFAULT_OPERATIONS).map(lambda names: tuple(names[:5])),
    num_nodes=st.integers(1, 5),
    channel_divisor=st.integers(1, 8),
    levels=st.integers(1, 4),
)


OLD_BYTES = "85c281ebc038464366b87fa67a0f26112af1972bbb77fd2cd6f29cc4f3481c62"


@given(SPACES, st.integers(0, 2**32), st.dictionaries(st.text(max_size=5), JSON_VALUES))
def test_round_trip(tmp_path_factory, space, seed, provenance):
    path = tmp_path_factory.getbasetemp() / "round_trip.json"
    genotype = random_genotype(space, seed, provenance=provenance)
    save_genotype(genotype, path)
    loaded = load_genotype(path)
    assert loaded == genotype
    assert loaded.digest == genotype.digest


@pytest.fixture
def content(tmp_path):
    """JSON values of a good file."""
    path = tmp_path / "good.json"
    save_genotype(random_genotype(SearchSpace(2, num_nodes=2), 0), path)
    return json.loads(path.read_text(encoding="utf-8"))


def test_file_has_the_contract_s_fields(content):
    assert content["schema_version"] == 1
    assert set(content) == {"schema_version", "search_space", "nodes", "provenance", "digest"}
    fields = {"spatial_dims", "operations", "num_nodes", "K", "levels", "inputs"}
    assert set(content["search_space"]) == fields
    assert set(content["nodes"][0]) == {"level", "node", "edges"}


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


EDGE = ("nodes", 1, "edges", 0)


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        (("schema_version",), ..., "field 'schema_version' is missing"),
        (
            ("schema_version",),
            SCHEMA_VERSION + 1,
            f"schema_version is {SCHEMA_VERSION + 1}.*Upgrade",
        ),
        (("schema_version",), "1", "schema_version must be an integer, got '1'"),
        (("schema_version",), True, "schema_version must be an integer, got True"),
        (("search_space",), ..., "field 'search_space' is missing"),
        (("search_space",), [], "search_space must be a JSON object, got list"),
        *(
            (("search_space", field), ..., f"field 'search_space.{field}' is missing")
            for field in ("spatial_dims", "operations", "num_nodes", "K", "levels", "inputs")
        ),
        (("search_space", "spatial_dims"), 5, "search_space.spatial_dims must be 2 or 3"),
        (("search_space", "spatial_dims"), 2.0, "search_space.spatial_dims must be an integer"),
        (("search_space", "operations"), "none", "search_space.operations must be a list, got str"),
        (("search_space", "operations"), [1], "search_space.operations must be a string, got 1"),
        (("search_space", "operations"), ["none"], "search_space.operations needs"),
        (("search_space", "num_nodes"), 0, "search_space.num_nodes must be at least 1"),
        (("search_space", "num_nodes"), 10**12, "nodes must hold"),
        (("search_space", "K"), -4, "search_space.K must be at least 1"),
        (("search_space", "levels"), 2, "nodes must hold"),
        (("search_space", "inputs"), ["a", "b"], "search_space.inputs must be"),
        (("nodes",), ..., "field 'nodes' is missing"),
        (("nodes",), {}, "nodes must be a list, got dict"),
        (("nodes", 0), 3, r"nodes\[0\] must be a JSON object, got int"),
        (("nodes", 0, "level"), ..., r"field 'nodes\[0\]\.level' is missing"),
        (("nodes", 0, "node"), None, r"nodes\[0\]\.node must be an integer, got None"),
        (("nodes", 0, "edges"), ..., r"field 'nodes\[0\]\.edges' is missing"),
        (("nodes", 0, "edges"), [], r"nodes\[0\]\.edges is empty"),
        (EDGE, [], r"nodes\[1\]\.edges\[0\] must be a JSON object"),
        ((*EDGE, "input"), ..., r"field 'nodes\[1\]\.edges\[0\]\.input' is missing"),
        ((*EDGE, "input"), 0, r"nodes\[1\]\.edges\[0\]\.input must be a string, got 0"),
        ((*EDGE, "input"), "node_1", r"nodes\[1\]\.edges\[0\]\.input 'node_1'.*before"),
        ((*EDGE, "operation"), "none", r"nodes\[1\]\.edges\[0\]\.operation is 'none'"),
        ((*EDGE, "operation"), "rm -rf", r"nodes\[1\]\.edges\[0\]\.operation 'rm -rf'"),
        ((*EDGE, "operation"), ["none"], r"nodes\[1\]\.edges\[0\]\.operation must be a string"),
        (("provenance",), "mine", "provenance must be a JSON object, got str"),
        (("digest",), "sha256:0", "digest is 'sha256:0', but"),
        (("digest",), None, "digest is None, but"),
        (("no_cell",), [0], "nodes must hold .*no_cell and off be left out"),
        (("off",), [0], "nodes must hold .*no_cell and off be left out"),
        (("search_space", "sites"), ["decoder"], "nodes must hold .*sites"),
        (("nodes",), [], "nodes must hold each .* once, .*found 0 node"),
    ],
)
def test_wrong_field_is_named_with_the_file(tmp_path, content, path, value, message):
    broken = edit(content, path, value)
    with pytest.raises(GenotypeError, match=message):
        parse_genotype(broken)
    file = tmp_path / "broken genötype.json"
    file.write_text(json.dumps(broken), encoding="utf-8")
    with pytest.raises(GenotypeError, match=message) as caught:
        load_genotype(file)
    assert str(file) in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        (("no_cell",), 0, "no_cell must be a list, got int"),
        (("no_cell",), [0.0], "no_cell must be an integer, got 0.0"),
        (("no_cell",), [1, 0], "no_cell must hold levels"),
        (("off",), [True], "off must be an integer, got True"),
        (("off",), [-1], "off must hold levels"),
        (("off",), [10**30], "off must hold levels"),
        (("search_space", "sites"), "skips", "search_space.sites must be a list"),
        (("search_space", "sites"), [], "search_space.sites must hold some of"),
        (("search_space", "sites"), ["skips", "skips"], "search_space.sites must hold some of"),
        (("search_space", "sites"), ["skip"], "search_space.sites must hold .*got .'skip'"),
        (("search_space", "num_nodes"), 10**12, "nodes must hold each.*claims"),
        (("search_space", "levels"), 10**12, "nodes must hold each.*claims"),
        (("nodes", 0, "node"), -1, "nodes must hold each"),
        (("nodes", 0, "node"), 10**12, "nodes must hold each"),
        (("nodes", 0, "level"), 1, "nodes must hold each"),
    ],
)
def test_wrong_field_of_version_2_is_named(content, path, value, message):
    broken = edit(content | {"schema_version": 2}, path, value)
    with pytest.raises(GenotypeError, match=message) as caught:
        parse_genotype(broken)
    assert "\n" not in str(caught.value)


@given(st.data())
def test_reduced_genotypes_round_trip(tmp_path_factory, data):
    """Version 2 is written exactly where version 1 cannot say all."""
    space = data.draw(SPACES)
    space = replace(space, sites=data.draw(st.sampled_from([("skips",), ("skips", "decoder")])))
    found = random_genotype(space, data.draw(st.integers(0, 99)))
    shown = data.draw(st.sets(st.sampled_from(found.nodes)))
    kept = reduced(node for node in found.nodes if node in shown)
    levels = data.draw(st.sets(st.integers(0, space.levels - 1 if space.levels > 1 else 9)))
    if space.levels > 1:
        genotype = Genotype(space, kept, off=tuple(sorted(levels - {node.level for node in kept})))
    else:
        no_cell = data.draw(st.sets(st.integers(0, 9))) - levels if kept else set()
        treated = {"no_cell": tuple(sorted(no_cell)), "off": tuple(sorted(levels))}
        genotype = Genotype(space, kept, **treated)
    path = tmp_path_factory.getbasetemp() / "reduced.json"
    save_genotype(genotype, path)
    assert load_genotype(path) == genotype
    old = kept == found.nodes and space.sites == ("skips",) and not genotype.no_cell + genotype.off
    assert json.loads(path.read_text(encoding="utf-8"))["schema_version"] == (1 if old else 2)


def reduced(nodes):
    """The nodes without edges from what is not there; one without any edge gets the skip."""
    kept = []
    for node in nodes:
        known = {"skip", "gate", *(f"node_{n.node}" for n in kept if n.level == node.level)}
        edges = tuple(edge for edge in node.edges if edge.input in known)
        kept.append(replace(node, edges=edges or (KeptEdge("skip", node.edges[0].operation),)))
    return tuple(kept)


FIELDS = ("schema_version", "search_space", "nodes", "provenance", "no_cell", "off", "sites")


@given(st.sampled_from(FIELDS), JSON_VALUES)
def test_any_value_is_read_or_refused_in_one_line(field, value):
    good = Genotype(SearchSpace(2, num_nodes=2), random_genotype(SearchSpace(2), 0).nodes[:1])
    content = {"schema_version": 2, **good.architecture(), "no_cell": [], "off": [1]}
    place = content["search_space"] if field == "sites" else content
    place[field] = value
    message = ""
    try:
        parse_genotype(content)
    except GenotypeError as error:
        message = str(error)
    assert "\n" not in message


def test_version_1_keeps_its_bytes(tmp_path):
    """Written down by 0.4."""
    space = SearchSpace(2, ("none", "skip_connect"), num_nodes=1)
    save_genotype(random_genotype(space, 0), tmp_path / "genotype.json")
    assert hashlib.sha256((tmp_path / "genotype.json").read_bytes()).hexdigest() == OLD_BYTES


def test_edge_kept_twice(content):
    edges = content["nodes"][1]["edges"]
    edges[1]["input"] = edges[0]["input"]
    with pytest.raises(GenotypeError, match=r"nodes\[1\]\.edges\[1\]\.input .* kept twice"):
        parse_genotype(content)


def test_edited_cell_contradicts_the_digest(content):
    content["search_space"]["K"] = 2
    with pytest.raises(GenotypeError, match=r"digest .* changed after the search"):
        parse_genotype(content)
    del content["digest"]
    assert parse_genotype(content).search_space.channel_divisor == 2


def test_provenance_may_lack(content):
    assert parse_genotype(edit(content, ("provenance",))).provenance == {}


@pytest.mark.parametrize("value", [None, 3, "x", [], [{}]])
def test_top_level_must_be_an_object(value):
    with pytest.raises(GenotypeError, match="the file must be a JSON object"):
        parse_genotype(value)


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        (b"", "not valid JSON"),
        (b"{", "not valid JSON"),
        (b"\xff\xfe\x00", "not valid JSON"),
        (b"Genotype(normal=[('sep_conv_3x3', 1)])", "not valid JSON"),
        (b"[" * 200_000, "not valid JSON"),
        (b'{"a":' * 150_000, "not valid JSON"),
        (b'{"schema_version": ' + b"9" * 5000 + b"}", "limit"),
        (b" " * 1_000_001, "larger than 1000000 bytes"),
    ],
    ids=["empty", "cut", "binary", "python", "nested", "nested objects", "digits", "large"],
)
def test_foreign_file(tmp_path, raw, message):
    file = tmp_path / "genotype.json"
    file.write_bytes(raw)
    with pytest.raises(GenotypeError, match=message) as caught:
        load_genotype(file)
    assert str(file) in str(caught.value)


def test_missing_file_and_directory(tmp_path):
    for path in (tmp_path / "absent.json", tmp_path):
        with pytest.raises(GenotypeError, match="cannot be read") as caught:
            load_genotype(path)
        assert str(path) in str(caught.value)


def test_nan_in_provenance_is_not_written(tmp_path):
    genotype = random_genotype(SearchSpace(2), 0, provenance={"loss": float("nan")})
    with pytest.raises(ValueError, match="JSON"):
        save_genotype(genotype, tmp_path / "genotype.json")
    assert list(tmp_path.iterdir()) == []
