"""The page as a person uses it, without a browser: every panel, every choice."""

from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

APP = str(Path(__file__).parents[1] / "app.py")


def opened(index: Path, monkeypatch: pytest.MonkeyPatch, **address: str) -> AppTest:
    """The page of an index at an address, drawn once."""
    monkeypatch.setenv("SIMSEARCH_INDEX", str(index))
    page = AppTest.from_file(APP, default_timeout=60)
    for name, value in address.items():
        page.query_params[name] = value
    return page.run()


@pytest.mark.parametrize("panel", ["Search", "Explore", "Evaluate", "Index"])
def test_every_panel_opens_without_a_fault(sample_index, monkeypatch, panel):
    page = opened(sample_index.folder, monkeypatch, panel=panel)
    assert not page.exception
    assert page.session_state["panel"] == panel
