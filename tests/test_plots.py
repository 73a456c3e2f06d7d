"""Charts: well-formed, self-contained, drawn where the numbers say, safe against any name."""

import functools
import io
from xml.etree import ElementTree

import numpy as np
import pytest
from PIL import Image

from simsearch import plots

HOSTILE = "<script>alert('$x_{')</script> & \"猫\""


@functools.cache
def charts(name="CryptoPunks"):
    x = np.array([0.1, 0.5, 0.9])
    return {
        "bars": plots.bars([name, "b"], {name: [0.2, float("nan")], "two": [0.1, 0.9]}, name),
        "lines": plots.lines({name: (x, x**2), "two": (x, x)}, (name, "y"), diagonal=True),
        "ticks": plots.lines({name: (x, x)}, ("x", name), ticks=[name, "b", "c"]),
        "scatter": plots.scatter(x, x + 0.1, (name, "estimate"), log=True),
        "matrix": plots.matrix(np.array([[0.9, 0.1], [0.0, 1.0]]), [name, "b"]),
    }


@pytest.mark.parametrize("kind", charts())
def test_a_chart_is_one_svg_element_and_a_png_on_white(kind):
    chart = charts()[kind]
    root = ElementTree.fromstring(chart.svg)
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    assert "width" not in root.attrib
    assert "max-width" in root.attrib["style"]
    with Image.open(io.BytesIO(chart.png)) as image:
        assert image.convert("RGB").getpixel((0, 0)) == (255, 255, 255)


@pytest.mark.parametrize("kind", charts())
def test_the_ink_is_that_of_the_page(kind):
    svg = charts()[kind].svg
    assert "currentColor" in svg
    assert "#0a0b0c" not in svg
    assert "#000000" not in svg


@pytest.mark.parametrize("kind", charts())
def test_a_name_is_text_whatever_it_holds(kind):
    svg = charts(HOSTILE)[kind].svg
    assert "<script" not in svg
    texts = "".join(ElementTree.fromstring(svg).itertext())
    assert HOSTILE[:25] in texts


def test_nothing_is_fetched_from_elsewhere():
    for chart in charts().values():
        root = ElementTree.fromstring(chart.svg)
        links = [v for e in root.iter() for k, v in e.attrib.items() if k.endswith("href")]
        assert all(link.startswith(("#", "data:")) for link in links)


def test_the_same_numbers_give_the_same_chart():
    assert charts.__wrapped__()["lines"].svg == charts()["lines"].svg


def test_bars_are_as_long_as_their_values():
    chart = plots.bars(["a", "b"], {"one": [0.25, 0.5]}, "value")
    with Image.open(io.BytesIO(chart.png)) as image:
        pixels = np.asarray(image.convert("RGB")).astype(int)
    blue = np.abs(pixels - (0x3B, 0x7D, 0xD8)).max(axis=2) < 8
    lengths = blue.sum(axis=1)
    assert lengths.max() / lengths[lengths > 0].min() == pytest.approx(2, rel=0.02)


def test_log_axes_name_plain_numbers():
    chart = plots.scatter(np.array([0.01, 1000.0]), np.array([0.01, 1000.0]), ("x", "y"), log=True)
    texts = "".join(ElementTree.fromstring(chart.svg).itertext()).split()
    assert {"0.01", "1", "100"} <= set(texts)


def test_many_series_with_long_names_still_leave_room():
    names = [f"a rather long name of a model, number {n}" for n in range(7)]
    chart = plots.bars(names, {name: np.ones(7) for name in names}, "value")
    with Image.open(io.BytesIO(chart.png)) as image:
        pixels = np.asarray(image.convert("RGB")).astype(int)
    blue = np.abs(pixels - (0x3B, 0x7D, 0xD8)).max(axis=2) < 8
    assert blue.sum(axis=1).max() > 0.5 * pixels.shape[1]
