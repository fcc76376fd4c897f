"""Importing the package is quiet and loads nothing beyond Keras."""

import ast
import importlib
import importlib.resources
import json
import subprocess
import sys
from pathlib import Path

import pytest

import rckeras

ROOT = Path(rckeras.__file__).parent
SOURCES = sorted(ROOT.rglob("*.py"))
LIGHT = {"keras", "numpy", "rckeras", "h5py"}  # Keras itself imports h5py
PACKAGES = {
    ".".join(("rckeras", *path.parent.relative_to(ROOT).parts))
    for path in SOURCES
    if path.name == "__init__.py"
}

IMPORT = """
import contextlib, io, json, sys, warnings
import keras

before = set(sys.modules)
said = io.StringIO()
with warnings.catch_warnings(record=True) as warned:
    warnings.simplefilter("always")
    with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
        import rckeras
new = {name.partition(".")[0] for name in set(sys.modules) - before}
warned = [str(each) for each in warned]
facts = {"said": said.getvalue(), "warned": warned, "new": sorted(new)}
print("FACTS" + json.dumps(facts))
"""


@pytest.fixture(scope="module")
def facts():
    """What a fresh process saw when it imported the package after Keras."""
    process = subprocess.run(
        [sys.executable, "-c", IMPORT],
        cwd=ROOT.parent,
        check=True,
        capture_output=True,
        text=True,
    )
    return json.loads(process.stdout.partition("FACTS")[2])


def test_importing_prints_nothing(facts):
    assert facts["said"] == ""


def test_importing_warns_of_nothing(facts):
    assert facts["warned"] == []


def test_importing_loads_no_package_that_keras_has_not_loaded(facts):
    assert set(facts["new"]) - sys.stdlib_module_names == {"rckeras"}


def imported_at_the_top(tree):
    """First names of absolute imports that run when the module is imported."""
    waiting = list(tree.body)
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield "rckeras" if node.level else node.module.partition(".")[0]
        elif isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            waiting.extend(node.orelse)
        elif not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            waiting.extend(ast.iter_child_nodes(node))


@pytest.mark.parametrize("path", SOURCES, ids=lambda p: str(p.relative_to(ROOT)))
def test_modules_import_nothing_heavy_at_the_top(path):
    names = set(imported_at_the_top(ast.parse(path.read_text())))
    assert names <= LIGHT | sys.stdlib_module_names


@pytest.mark.parametrize("path", SOURCES, ids=lambda p: str(p.relative_to(ROOT)))
def test_modules_never_import_the_outer_packages(path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names = {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and not node.level:
            names = {node.module.partition(".")[0]}
        else:
            continue
        assert not names & {"zoo", "tuning", "tests"}


@pytest.mark.parametrize("package", ["rckeras", "zoo", "tuning"])
def test_type_hints_are_shipped(package):
    assert importlib.resources.files(package).joinpath("py.typed").is_file()


@pytest.mark.parametrize("name", sorted(PACKAGES))
def test_everything_exported_exists(name):
    module = importlib.import_module(name)
    assert all(hasattr(module, each) for each in module.__all__)


def test_the_version_is_that_of_the_distribution():
    text = (ROOT.parent / "pyproject.toml").read_text()
    assert f'\nversion = "{rckeras.__version__}"\n' in text
