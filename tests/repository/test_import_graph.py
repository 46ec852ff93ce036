"""Imports run one way, heavy and optional packages stay out, and nothing happens at import."""

from __future__ import annotations

import ast
import importlib.util
import os
import pkgutil
import subprocess
import sys
from collections.abc import Sequence
from functools import cache
from pathlib import Path

import iac_components

PACKAGE = Path(iac_components.__file__).parent
ROOT = PACKAGE.parent
MODULES = sorted(PACKAGE.rglob("*.py"))

ANYWHERE = {"common"}
"""Helpers that know nothing of the field."""

ALLOWED = {
    "search_space": set(),
    "networks": {"search_space"},
    "search": {"search_space", "networks", "engine"},
    "dints": {"search_space", "search", "engine", "networks"},
    "adaptation": {
        *("data", "engine", "evaluation", "networks", "options"),
        *("search", "search_space", "visualization"),
    },
    "engine": set(),
    "data": set(),
    "phantoms": {"data"},
    "evaluation": set(),
    "options": {
        *("data", "dints", "evaluation", "networks", "search_space"),
    },
    "visualization": {"dints", "search", "search_space"},
    "rendering": {"__version__", "networks", "options"},
    "configs": {
        *("data", "dints", "engine", "evaluation", "networks", "options"),
        *("search", "visualization"),
    },
    "own_data": {"data", "dints", "networks", "rendering", "search"},
    "label_maps": {"data", "evaluation"},
    "ensembling": {"data", "engine", "options", "running"},
    "api": {
        *("adaptation", "data", "dints", "engine", "evaluation", "networks", "options"),
        *("search", "search_space", "visualization"),
    },
}


OWN_ROOMS = {
    "bundling": {"options", "own_data", "rendering"},
    "interface": {"api", "commands", "ensembling", "label_maps", "program", "running"},
}
"""Wings that are rooms of their own here, by the package that holds them."""

COMMANDS = {"commands", "program"}
OF_COMMANDS = {*COMMANDS, "running"}
"""What commands are made of, which may know of the command line."""


def room(names: Sequence[str]) -> str:
    """Name of the subpackage, wing or top-level module that dotted or path names lead to."""
    first, *rest = names
    return rest[0] if rest and rest[0] in OWN_ROOMS.get(first, ()) else first


def subpackage(path: Path) -> str:
    """Name of the subpackage, or of the top-level module."""
    return room(path.relative_to(PACKAGE).with_suffix("").parts)


@cache
def imports(path: Path) -> set[str]:
    """Dotted names of all modules that a file imports, anywhere in it."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def own(path: Path) -> set[str]:
    """Subpackages and top-level modules of ours that a file imports."""
    ours = [name for name in imports(path) if name.startswith("iac_components.")]
    names = {room(name.split(".")[1:]) for name in ours}
    if any(name.split(".")[:2] == ["iac_components", "__version__"] for name in imports(path)):
        names.discard("__version__")
    return names


def relative(path: Path) -> str:
    return str(path.relative_to(PACKAGE))


def test_nothing_stands_above_the_interface_but_the_commands():
    # The package's own names are lazy, and come from there; nnU-Net is another front door.
    above = {"api", "commands", "nnunet"}
    below = [p for p in MODULES if subpackage(p) not in above and p != PACKAGE / "__init__.py"]
    assert not [relative(path) for path in below if "api" in own(path)]


def test_nothing_stands_above_the_commands():
    below = [path for path in MODULES if subpackage(path) not in {*COMMANDS, "__main__"}]
    assert not [relative(path) for path in below if own(path) & COMMANDS]


def test_there_is_something_to_check():
    assert len(MODULES) > 50
    assert own(PACKAGE / "search" / "bilevel" / "bilevel_trainer.py") == {"common", "search"}


def test_imports_run_one_way():
    wrong = {}
    for path in MODULES:
        here = subpackage(path)
        if here in ALLOWED and (up := own(path) - ALLOWED[here] - ANYWHERE - {here}):
            wrong[relative(path)] = up
    assert not wrong


def test_helpers_import_nothing_of_the_field():
    # Names for configs stand for what lies deeper.
    helpers = [p for p in MODULES if subpackage(p) in ANYWHERE and p.parent.name != "config_names"]
    assert not {relative(path): own(path) for path in helpers if not own(path) <= {"common"}}


def test_few_rooms_know_of_configs_and_the_command_line():
    allowed = {*OF_COMMANDS, "configs", "engine", "options"}
    own_rooms = {("common", "config_names"), ("common", "console")}
    others = [
        path
        for path in MODULES
        if subpackage(path) not in allowed and path.relative_to(PACKAGE).parts[:2] not in own_rooms
    ]
    assert not [
        relative(path) for path in others if any(".common.console" in n for n in imports(path))
    ]


def test_no_tools_no_bundles_no_optional_packages():
    banned = {"tools", "studies", "bundles", "tests", "scripts", "torchvision", "timm", "pickle"}
    wrong = {}
    for path in MODULES:
        found = {name.partition(".")[0] for name in imports(path)} & banned
        if path.name == "weights.py":  # to name its error
            found -= {"pickle"}
        if found:
            wrong[relative(path)] = found
    assert not wrong


PURE = (
    [
        PACKAGE / "search_space" / name
        for name in ("genotype.py", "genotype_file.py", "space.py", "discretization.py")
    ]
    + [
        PACKAGE / "search" / name
        for name in (
            "audits/audit.py",
            "stability_pruning/evidence_floor.py",
            "stability_pruning/stability.py",
            "stability_pruning/pruning.py",
        )
    ]
    + [
        PACKAGE / "dints" / f"{name}.py"
        for name in (
            "topology_grid",
            "topology",
            "decoding/patterns",
            "decoding/pattern_losses",
            "decoding/viterbi",
            "decoding/decode",
        )
    ]
)


def test_pure_modules_know_no_torch():
    heavy = {"torch", "monai", "ignite"}
    assert not [
        relative(path) for path in PURE if any(n.split(".")[0] in heavy for n in imports(path))
    ]


def test_every_file_is_small_and_typed_by_the_future():
    for path in MODULES:
        source = path.read_text(encoding="utf-8")
        assert source.count("\n") <= 300, path
        assert "from __future__ import annotations" in source or path == PACKAGE / "__init__.py"


def run(code: str, *folders: Path) -> str:
    path = os.pathsep.join(map(str, (*folders, ROOT)))
    environment = {**os.environ, "PYTHONPATH": path, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code],
        env=environment,
        capture_output=True,
        text=True,
        timeout=500,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout


def test_importing_the_package_is_light():
    heavy = ("torch", "monai", "ignite", "torchvision", "timm", "matplotlib", "scipy", "numpy")
    code = f"import sys, iac_components; print([n for n in {heavy} if n in sys.modules])"
    assert run(code).strip() == "[]"


def test_the_interface_is_loaded_when_it_is_asked_for():
    code = (
        "import sys, iac_components as iac; dir(iac), iac.__version__\n"
        "assert 'torch' not in sys.modules\n"
        "from iac_components import train, load_dataset\n"
        "print(iac.train is train, train.__module__)"
    )
    assert run(code).strip() == "True iac_components.interface.api.training"


def test_everything_imports_beside_a_broken_torchvision(tmp_path):
    """PyPI's torchvision does not load beside a CPU torch; also: no draw, no device at import."""
    for name in ("torchvision", "timm"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text(
            "raise RuntimeError('operator torchvision::nms does not exist')"
        )
    names = [
        module.name
        for module in pkgutil.walk_packages([str(PACKAGE)], "iac_components.")
        if not module.name.endswith("__main__")
    ]
    if importlib.util.find_spec("nnunetv2") is None:
        names = [name for name in names if not name.startswith("iac_components.nnunet.")]
    code = (
        "import importlib, numpy, random, torch\n"
        "random.seed(0); numpy.random.seed(0); torch.manual_seed(0)\n"
        f"for name in {names}: importlib.import_module(name)\n"
        "drawn = random.random(), numpy.random.rand(), torch.rand(1).item()\n"
        "random.seed(0); numpy.random.seed(0); torch.manual_seed(0)\n"
        "assert drawn == (random.random(), numpy.random.rand(), torch.rand(1).item())\n"
        "assert not torch.cuda.is_initialized()\n"
        "print('good')"
    )
    assert run(code, tmp_path).strip() == "good"
