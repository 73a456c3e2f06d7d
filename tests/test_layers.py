"""The shape of the package: who may import whom, and how long a file or a function may be."""

import ast
import graphlib
import statistics
import subprocess
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "simsearch"
NAME = PACKAGE.name

LAYERS = [
    # Words, numbers, colours and draws that everybody uses.
    {"errors", "neighbors", "colours", "draws", "ahead"},
    # One noun each.
    {"arrow", "images", "tables", "tensors", "plots", "sheet"},
    {"catalog", "weights", "variants"},
    # Families, and what is known of items.
    {"filters", "sales", "wording", "preprocessing"},
    {"sources", "encoders", "index", "sample"},
    {"store", "space"},
    # What is learned.
    {"retrieval", "pricing", "recognition", "grouping", "traits"} | {"maps", "rarity"},
    # Things put together.
    {"answer", "copies"},
    {"engine"},
    {"building", "answer_sheet"},
    {"evaluation"},
    {"training", "report"},
    {"classifiers"},
    {"pages"},
    {"panels"},
    {"cli", "__init__"},
    {"__main__"},
]
"""Lowest first; a module or family imports from the layers above its own line only."""

LEVEL = {unit: level for level, units in enumerate(LAYERS) for unit in units}
MODULES = sorted(PACKAGE.rglob("*.py"))
HEAVY = {"torch", "torchvision", "faiss", "streamlit", "pandas", "sklearn", "scipy", "openvino"}
HEAVY |= {"pyarrow", "matplotlib", "jinja2", "ncnn"}

by_module = pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(PACKAGE)))


def dotted(path: Path) -> str:
    """Name of the module in a file: ``simsearch.index.flat``, ``simsearch`` for the root."""
    parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


KNOWN = {dotted(path) for path in MODULES}


def unit(module: str) -> str:
    """The name that LAYERS knows: a root module, or the family that a module belongs to."""
    return module.split(".")[1] if "." in module else "__init__"


def imported(node: ast.AST, known: set[str] = KNOWN) -> set[str]:
    """Modules of this package that one statement imports."""
    if isinstance(node, ast.Import):
        return {alias.name for alias in node.names if alias.name.split(".")[0] == NAME}
    if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == NAME:
        inner = {f"{node.module}.{alias.name}" for alias in node.names}
        return (inner & known) | ({node.module} if inner - known else set())
    return set()


def upward(tree: ast.AST, own: str) -> set[str]:
    """Units that a module imports anywhere though they do not lie below its own."""
    units = {unit(module) for node in ast.walk(tree) for module in imported(node)} - {own}
    return {one for one in units if LEVEL.get(one, len(LAYERS)) >= LEVEL.get(own, len(LAYERS))}


def at_import(tree: ast.Module) -> Iterator[ast.AST]:
    """Statements that run when the module is imported, as far as imports are concerned."""
    todo: list[ast.AST] = list(tree.body)
    while todo:
        node = todo.pop()
        typing_only = isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)
        if typing_only or isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        yield node
        todo += ast.iter_child_nodes(node)


def functions(tree: ast.AST) -> Iterator[tuple[str, int]]:
    """Each function with its lines, the docstring not counted."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            lines = node.end_lineno - node.lineno + 1
            if ast.get_docstring(node) is not None:
                lines -= node.body[0].end_lineno - node.body[0].lineno + 1
            yield node.name, lines


@by_module
def test_every_module_has_a_layer(path):
    assert unit(dotted(path)) in LEVEL, "give it a place in LAYERS"


@by_module
def test_imports_point_down(path):
    own = unit(dotted(path))
    found = upward(ast.parse(path.read_text()), own)
    assert not found, f"{own} must not import {sorted(found)}: same layer or above"


def test_a_family_has_no_import_cycle():
    graph = {
        dotted(path): {
            module for node in at_import(ast.parse(path.read_text())) for module in imported(node)
        }
        for path in MODULES
    }
    tuple(graphlib.TopologicalSorter(graph).static_order())


@by_module
def test_a_module_is_short_and_says_what_it_is(path):
    text = path.read_text()
    assert len(text.splitlines()) <= 300
    assert ast.get_docstring(ast.parse(text)), "a docstring, please"


@by_module
def test_functions_are_short(path):
    long = {name: lines for name, lines in functions(ast.parse(path.read_text())) if lines > 60}
    assert not long


def test_most_functions_are_very_short():
    lengths = [n for path in MODULES for _, n in functions(ast.parse(path.read_text()))]
    assert statistics.median(lengths) <= 10


@pytest.mark.skipif(find_spec("simsearch.cli") is None, reason="there is no command line yet")
def test_help_loads_no_heavy_library():
    command = [sys.executable, "-X", "importtime", "-m", NAME, "--help"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    loaded = {line.rpartition("|")[2].strip().split(".")[0] for line in done.stderr.splitlines()}
    assert "click" in loaded
    assert not loaded & HEAVY
    assert "Usage" in done.stdout


@pytest.mark.parametrize(
    ("own", "statement", "found"),
    [
        ("space", "from simsearch.engine import SearchEngine", {"engine"}),
        ("catalog", "def f():\n    from simsearch import pricing", {"pricing"}),
        ("pricing", "from simsearch.grouping.groups import Groups", {"grouping"}),
        ("index", "import simsearch.building.builder", {"building"}),
        ("index", "from simsearch import __version__", {"__init__"}),
        ("engine", "import simsearch", {"__init__"}),
        ("pricing", "from simsearch.not_yet import x", {"not_yet"}),
        ("report", "from simsearch.plots import Chart\nfrom simsearch import images", set()),
        ("index", "from simsearch.index.faiss import FaissIndex\nimport numpy", set()),
    ],
)
def test_a_planted_upward_import_is_seen(own, statement, found):
    assert upward(ast.parse(statement), own) == found


def test_function_lines_leave_out_the_docstring():
    text = 'def f(\n    a,\n):\n    """One.\n\n    Two.\n    """\n    return a\n'
    assert list(functions(ast.parse(text))) == [("f", 4)]
