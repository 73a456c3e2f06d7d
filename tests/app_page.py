"""The page as tests open it, without a browser."""

from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

APP = str(Path(__file__).parents[1] / "app.py")


def opened(index: Path, monkeypatch: pytest.MonkeyPatch, **address: str | list[str]) -> AppTest:
    """The page of an index at an address, drawn once."""
    monkeypatch.setenv("SIMSEARCH_INDEX", str(index))
    page = AppTest.from_file(APP, default_timeout=120)
    for name, value in address.items():
        page.query_params[name] = value
    return page.run()


def html(page: AppTest) -> str:
    """All HTML that the page shows, in its order."""
    return "\n".join(element.proto.body for element in page.get("html"))


def faults(page: AppTest) -> list[str]:
    """Lines that say what went wrong; none on a page that works."""
    shown = [element.proto.body for element in page.get("html")]
    return [text for text in shown if 'class="notice error"' in text] + [
        element.message for element in page.exception
    ]
