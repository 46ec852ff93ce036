"""Every public name has a docstring with an example that runs."""

from __future__ import annotations

import doctest

import pytest
import torch
from adapters import moved_adapter
from api_project import SEARCH, unet

import iac_components as iac
from iac_components.networks.implanting import fusion
from iac_components.search_space.cells import operations

NAMES = [name for name in iac.__all__ if name != "__version__"]


@pytest.fixture(scope="session")
def topology(volumes, tmp_path_factory):
    parts = (volumes.weights, volumes.architecture, volumes.validation)
    folder = tmp_path_factory.mktemp("topology")
    small = {"num_blocks": 2, "num_depths": 2, "channel_mul": 0.125}
    return folder, iac.search_topology(*parts, output_dir=folder, **SEARCH, **small)


def site_cases() -> list[dict[str, object]]:
    """Three cases of one slice each."""
    draw = torch.Generator().manual_seed(0)
    return [
        {
            "image": torch.rand((1, 32, 32), generator=draw),
            "label": torch.randint(0, 3, (1, 32, 32), generator=draw),
            "case": f"case_{number}",
            "patient": f"patient_{number}",
        }
        for number in range(3)
    ]


@pytest.fixture
def names(project, volumes, topology, tmp_path, monkeypatch):
    """The project as the examples find it, in a folder of its own."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(fusion, "_BLOCK_TYPES", list(fusion._BLOCK_TYPES))
    known = dict(operations._REGISTRY)
    (tmp_path / "Task04_Hippocampus").symlink_to(project.dataset)
    (tmp_path / "images").symlink_to(project.dataset / "imagesTr")
    (tmp_path / "runs").mkdir()
    folder, found = topology
    for name, target in (("search", project.folder / "search"), ("topology", folder)):
        (tmp_path / "runs" / name).mkdir()
        for file in target.iterdir():
            if file.is_file():
                (tmp_path / "runs" / name / file.name).write_bytes(file.read_bytes())
    moved_adapter(unet(), "norms").save(tmp_path / "runs" / "site_a" / "adapter")
    yield {
        "iac": iac,
        "torch": torch,
        "network": unet(),
        "cases": site_cases(),
        "data": project.data,
        "volumes": volumes,
        "plain": project.plain,
        "genotype": project.genotype,
        "model": project.model,
        "topology": found,
    }
    operations._REGISTRY.clear()
    operations._REGISTRY.update(known)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.filterwarnings("ignore")
def test_example_runs(name, names):
    text = getattr(iac, name).__doc__
    example = doctest.DocTestParser().get_doctest(text, names, name, None, None)
    assert example.examples
    report: list[str] = []
    result = doctest.DocTestRunner(verbose=False).run(example, out=report.append)
    assert not result.failed, "".join(report)


def test_all_names_are_lazy_and_there():
    assert all(getattr(iac, name) is not None for name in NAMES)
    assert set(NAMES) <= set(dir(iac))
    with pytest.raises(AttributeError, match="no attribute 'trian'"):
        _ = iac.trian
