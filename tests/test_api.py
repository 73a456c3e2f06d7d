"""The names that others may rely on."""

import subprocess
import sys

import pytest

import simsearch

PUBLIC = [
    "Answer",
    "Catalog",
    "Filter",
    "Item",
    "LastSale",
    "Neighbor",
    "Neighbors",
    "Query",
    "SearchEngine",
    "SimsearchError",
]


def test_public_names_are_these_and_no_others():
    assert simsearch.__all__ == PUBLIC
    assert sorted(simsearch._HOMES) == PUBLIC
    assert set(PUBLIC) <= set(dir(simsearch))


@pytest.mark.parametrize("name", PUBLIC)
def test_a_public_name_is_the_class_of_its_module(name):
    found = getattr(simsearch, name)
    assert found.__name__ == name
    assert found.__module__ == f"simsearch.{simsearch._HOMES[name]}"
    assert found.__doc__


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'Searchengine'"):
        _ = simsearch.Searchengine


def test_importing_the_package_imports_no_other_library():
    code = "import sys, simsearch; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = {name.split(".")[0] for name in done.stdout.split()}
    assert "simsearch" in loaded
    assert not loaded & {"numpy", "PIL", "click", "rich", "pyarrow", "faiss"}
