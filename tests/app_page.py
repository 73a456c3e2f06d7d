"""The page as tests open it without a browser, and what nobody should hand it."""

import io
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from streamlit.testing.v1 import AppTest

from simsearch.panels.example import example_picture

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


def huge_png() -> bytes:
    """12,000 x 12,000 black pixels in 17 kB."""

    def chunk(name, body):
        return (
            len(body).to_bytes(4, "big") + name + body + zlib.crc32(name + body).to_bytes(4, "big")
        )

    side = 12_000
    packer = zlib.compressobj(9)
    line = b"\0" * (side // 8 + 1)
    data = b"".join(packer.compress(line) for _ in range(side)) + packer.flush()
    head = side.to_bytes(4, "big") * 2 + b"\1\0\0\0\0"
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", data) + chunk(b"IEND", b"")


def long_gif(frames: int = 5000) -> bytes:
    """A GIF of very many frames."""
    first, *rest = (Image.fromarray(np.full((8, 8), 40 * n, np.uint8)) for n in range(5))
    file = io.BytesIO()
    first.save(file, "GIF", save_all=True, append_images=rest * (frames // 4), loop=0)
    return file.getvalue()


HOSTILE = {
    "empty.png": (b"", "holds no bytes"),
    "page.png": (b"<!doctype html><script>alert(1)</script>", "a web page, not a picture"),
    "drawing.svg": (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "an SVG drawing"),
    "noise.jpg": (b"\x00\x01\x02" * 99, "not a picture, or damaged"),
    "half.png": (example_picture()[:2000], "the picture ends too early"),
    "huge.png": (huge_png(), "12,000 x 12,000 pixels, over the limit"),
    "large.png": (b"\x89PNG\r\n\x1a\n" + b"\0" * (33 * 2**20), "over the limit of 33,554,432"),
}
