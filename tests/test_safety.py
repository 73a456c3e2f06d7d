"""Nothing in the package turns data into code."""

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "simsearch"
MODULES = sorted(PACKAGE.rglob("*.py"))
CODE_FROM_DATA = {"pickle", "cPickle", "dill", "cloudpickle", "joblib", "shelve", "marshal"}


def faults(tree):
    """What a module does that could run a stranger's data."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ({alias.name.split(".")[0] for alias in node.names} & CODE_FROM_DATA)
        if isinstance(node, ast.ImportFrom):
            yield from ({(node.module or "").split(".")[0]} & CODE_FROM_DATA)
        if isinstance(node, ast.Call):
            yield from call_faults(node)


def call_faults(node):
    name = ast.unparse(node.func)
    settings = {one.arg: ast.unparse(one.value) for one in node.keywords}
    if name in ("eval", "exec", "compile", "__import__", "os.system"):
        yield name
    if name in ("np.load", "numpy.load") and settings.get("allow_pickle") != "False":
        yield f"{name} without allow_pickle=False"
    if name == "torch.load" and settings.get("weights_only") != "True":
        yield f"{name} without weights_only=True"
    if settings.get("shell") == "True":
        yield f"{name} with a shell"


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_data_stay_data(path):
    assert not list(faults(ast.parse(path.read_text())))


@pytest.mark.parametrize(
    "code",
    [
        "import pickle",
        "from joblib import load",
        "def f():\n    import marshal",
        "eval('1')",
        "np.load('a.npy')",
        "np.load('a.npy', allow_pickle=True)",
        "torch.load('a.pt')",
        "subprocess.run('ls', shell=True)",
    ],
)
def test_a_planted_fault_is_seen(code):
    assert list(faults(ast.parse(code)))


def test_harmless_calls_pass():
    code = "re.compile('a')\nmodel.eval()\nnp.load('a', mmap_mode='r', allow_pickle=False)"
    assert not list(faults(ast.parse(code)))
