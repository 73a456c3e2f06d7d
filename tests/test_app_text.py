"""Whatever a stranger's metadata says is shown letter by letter, never as markup or code."""

from html import escape

import numpy as np
import pytest
from app_page import faults, opened
from PIL import Image

from simsearch import cli
from simsearch.engine import SearchEngine
from simsearch.panels.example import example_picture
from simsearch.recognition.membership import Membership
from simsearch.traits.recognisers import TraitRecognisers

TEXTS = {
    "<script>alert(1)</script>": "<img src=x onerror=alert(1)>",
    "[x](javascript:alert(1))": "[y](https://example.org)",
    "$\\alpha^2$": ":smile: :red[danger]",
    '"><svg onload=alert(1)>': "**bold** `code` # head",
}


@pytest.fixture(scope="module")
def hostile_index(tmp_path_factory):
    """Thirty items whose every trait is one of the texts above."""
    root = tmp_path_factory.mktemp("hostile")
    source = root / "<b>bad" / "images"
    source.mkdir(parents=True)
    draw = np.random.default_rng(0)
    for number in range(30):
        pixels = draw.integers(0, 255, (8, 8, 3)).astype(np.uint8)
        Image.fromarray(pixels).save(source / f"{number}<i>.png")
    kinds = ['"' + kind.replace('"', '""') + '"' for kind in TEXTS]
    values = ['"' + value.replace('"', '""') + '"' for value in TEXTS.values()]
    rows = [",".join(["id", *kinds])]
    rows += [",".join([f"{n}<i>", *values]) for n in range(30)]
    folder = source.parent
    (folder / "traits.csv").write_text("\n".join(rows), encoding="utf-8")
    (folder / "sales.csv").write_text(
        "id,date,price,currency\n"
        + "\n".join(f"{n}<i>,2022-01-{n + 1:02},2,<u>" for n in range(30))
    )
    (folder / "collection.toml").write_text(
        'name = "<h1>Loud"\n[images]\nfolder = "images"\n[traits]\nfile = "traits.csv"\nid = "id"\n'
        '[sales]\nfile = "sales.csv"\nid = "id"\n'
        'date = "date"\nprice = "price"\ncurrency = "currency"\n'
    )
    assert cli.run(["index", "build", str(folder), "--out", str(root / "index")]) == 0
    return root / "index"


def drawn(page):
    """Every text of the page that could be read as markup, and what of it is HTML."""
    markup = [one.value for one in (*page.markdown, *page.caption, *page.subheader, *page.header)]
    labels = [one.label for one in (*page.button, *page.selectbox, *page.multiselect)]
    return "\n".join([*markup, *labels]), "\n".join(one.proto.body for one in page.get("html"))


def test_no_text_of_an_index_is_read_as_markup(hostile_index, monkeypatch):
    page = opened(hostile_index, monkeypatch, item="<b>bad/3<i>")
    assert not faults(page)
    markup, html = drawn(page)
    for text in (*TEXTS, *TEXTS.values(), "<h1>Loud", "<i>", "<u>"):
        assert text not in markup
    for tag in ("<script", "<img src=x", "<svg", "<h1>Loud", "<i>", "<u>"):
        assert tag not in html
    for shown in (
        "&lt;script&gt;alert(1)&lt;/script&gt;",
        "$\\alpha^2$",
        ":smile:",
        "&lt;h1&gt;Loud",
    ):
        assert shown in html


def test_the_name_of_an_uploaded_file_is_text(hostile_index, monkeypatch):
    page = opened(hostile_index, monkeypatch)
    page.file_uploader[0].upload("<script>x.png", b"no picture", "image/png").run()
    (said,) = faults(page)
    assert "&lt;script&gt;x.png: not a picture, or damaged" in said


def test_traits_that_are_read_are_text(hostile_index, monkeypatch):
    read = [(("<u>kind", "<script>alert(1)</script>"), 0.9)]
    known = Membership("<b>bad", 1.0, known=True)
    monkeypatch.setattr(TraitRecognisers, "shown", lambda *_: read)
    monkeypatch.setattr(SearchEngine, "identify", lambda *_: known)
    page = opened(hostile_index, monkeypatch)
    page.file_uploader[0].upload("new.png", example_picture(), "image/png").run()
    assert not faults(page)
    _, html = drawn(page)
    assert "<script" not in html
    assert "<u>" not in html
    assert (
        '<td class="soft">&lt;u&gt;kind</td><td>&lt;script&gt;alert(1)&lt;/script&gt;</td>' in html
    )


@pytest.mark.parametrize(
    "address",
    [
        {"panel": "Explore", "colour": "Collection"},
        *({"panel": "Explore", "colour": "Trait", "kind": kind} for kind in TEXTS),
        {"panel": "Explore", "colour": "Price"},
        {"panel": "Explore", "view": "Collections"},
        {"panel": "Index"},
    ],
)
def test_no_panel_reads_a_text_of_an_index_as_markup(hostile_index, monkeypatch, address):
    page = opened(hostile_index, monkeypatch, **address)
    assert not faults(page)
    markup, html = drawn(page)
    for text in (*TEXTS, *TEXTS.values(), "<h1>Loud", "<b>bad", "<i>", "<u>"):
        assert text not in markup
    for tag in ("<script", "<img src=x", "<svg", "<h1>Loud", "<b>bad", "<u>", "<i>0"):
        assert tag not in html
    if "kind" in address:
        assert page.selectbox(key="kind").value == address["kind"]
        assert escape(TEXTS[address["kind"]]) in html
