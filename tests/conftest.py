"""What many tests ask: a small generated sample and an index of it, made once."""

import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from threadpoolctl import threadpool_limits

from simsearch.cli import run
from simsearch.engine import SearchEngine
from simsearch.sample import SamplePlan, write_sample


@pytest.fixture(scope="session", autouse=True)
def _one_blas_thread() -> Iterator[None]:
    """OpenBLAS's threads wait by spinning: small products take twenty times the time on busy cores.

    The environment is for libraries that are loaded later, and for other processes.
    """
    with threadpool_limits(1, user_api="blas"), pytest.MonkeyPatch.context() as patch:
        if "OPENBLAS_NUM_THREADS" not in os.environ:
            patch.setenv("OPENBLAS_NUM_THREADS", "1")
        yield


@dataclass(frozen=True)
class SampleIndex:
    """An index of three generated collections, of 100 items, for reading only."""

    folder: Path
    sources: Path
    plan: SamplePlan

    @property
    def engine(self) -> SearchEngine:
        """The index opened anew."""
        return SearchEngine.open(self.folder)

    @property
    def picture(self) -> Path:
        """A picture file that the index holds as ``teapots/7``."""
        return self.sources / "teapots" / "images" / "7.png"


@pytest.fixture(scope="session")
def sample_index(tmp_path_factory: pytest.TempPathFactory) -> SampleIndex:
    """Lighthouses in a sheet, teapots in a folder, masks in a table; with sales and rates."""
    root = tmp_path_factory.mktemp("sample")
    plan = write_sample(root / "sources", size=40, collections=("lighthouses", "teapots", "masks"))
    rates = str(root / "sources" / "rates.csv")
    code = run(
        ["index", "build", str(root / "sources"), "--out", str(root / "index"), "--rates", rates]
    )
    assert code == 0
    return SampleIndex(root / "index", root / "sources", plan)


@pytest.fixture
def own_index(sample_index: SampleIndex, tmp_path: Path) -> Path:
    """A copy of the sample index to write into."""
    return Path(shutil.copytree(sample_index.folder, tmp_path / "index"))
