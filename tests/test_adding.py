"""Adding sources to an index: what 'simsearch index add' makes, with progress."""

import shutil
import zipfile

import numpy as np
import pytest

from simsearch.building.adding import add_sources
from simsearch.cli import run
from simsearch.engine import SearchEngine


@pytest.fixture
def place(sample_index, tmp_path):
    folder = tmp_path / "index"
    shutil.copytree(sample_index.folder, folder)
    return folder


@pytest.fixture
def archive(sample_index, tmp_path):
    path = tmp_path / "more.zip"
    with zipfile.ZipFile(path, "w") as made:
        for picture in sorted((sample_index.sources / "teapots" / "images").iterdir())[:3]:
            made.write(picture, picture.name)
        made.writestr("broken.png", b"no picture")
    return path


def test_it_makes_what_the_command_makes(place, archive, tmp_path):
    other = tmp_path / "other"
    shutil.copytree(place, other)
    told = []
    result = add_sources(place, [archive], lambda *stage: told.append(stage))
    assert run(["index", "add", str(other), str(archive)]) == 0
    one, two = SearchEngine.open(place), SearchEngine.open(other)
    assert one.catalog.keys() == two.catalog.keys()
    with zipfile.ZipFile(archive) as made:
        tokens = [name.removesuffix(".png") for name in made.namelist()[:3]]
    assert sorted(one.catalog.keys()[-3:]) == [f"more/{token}" for token in tokens]
    assert np.array_equal(one.retriever.index.vectors, two.retriever.index.vectors)
    assert one.manifest.skipped == two.manifest.skipped == {"not-an-image": 1}
    assert [problem.code for problem in result.skipped] == ["not-an-image"]
    assert told[0] == ("reading", 0, 0)
    assert told[-1] == ("writing and fitting", 4, 4)
    copy = one.answer(one.item(f"more/{tokens[0]}"), 1).neighbors[0]
    assert (copy.key, copy.distance) == (f"teapots/{tokens[0]}", pytest.approx(0, abs=1e-3))
