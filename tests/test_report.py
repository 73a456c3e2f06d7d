"""The page: complete in itself, safe against any name, with its numbers in full beside it."""

import csv
import io
import json
import math
import re
from base64 import b64decode
from datetime import datetime
from html.parser import HTMLParser

import numpy as np
import pytest
from PIL import Image

from simsearch import plots
from simsearch.report import Case, Report, Shot, to_json

HOSTILE = '<script>alert("x")</script><img src=x onerror=alert(1)>'


class Page(HTMLParser):
    """Tags, attributes and texts of a page."""

    def __init__(self, html):
        super().__init__()
        self.tags, self.attributes, self.texts = [], [], []
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += [(tag, name, value or "") for name, value in attrs]

    def handle_data(self, data):
        self.texts.append(data.strip())


def sprite(seed=0, side=24):
    draw = np.random.default_rng(seed)
    return draw.choice(np.array([20, 230], dtype=np.uint8), (side, side, 1)).repeat(3, axis=2)


def full_report(name="CryptoPunks"):
    report = Report(name, f"simsearch evaluate {name}", f"about {name}")
    rows = [{"method": name, "score": 0.91234567}, {"method": "pixels", "score": 0.5, name: 3}]
    report.table(f"Scores {name}", rows, name, best={"score": max})
    report.chart("Chart", plots.bars([name], {name: [0.5]}, name), name)
    report.cases("Good", [Case(Shot(sprite(), [name]), [Shot(sprite(1), [name, name], good=True)])])
    return report


def test_the_page_needs_nothing_else():
    page = Page(full_report().html())
    assert not {"script", "link", "iframe", "object", "base"} & set(page.tags)
    for tag, name, value in page.attributes:
        if name in ("src", "href", "xlink:href", "action", "data", "srcset"):
            assert value.startswith(("data:", "#")), (tag, name, value)
    assert "url(" not in re.sub(r"url\(#", "", full_report().html())


def test_a_name_is_text_wherever_it_stands():
    html = full_report(HOSTILE).html()
    page = Page(html.replace("<wbr>", ""))
    assert "script" not in page.tags
    assert not [one for one in page.attributes if one[1].startswith("on")]
    assert page.texts.count(HOSTILE) >= 6
    assert all(value.startswith("data:") for tag, name, value in page.attributes if name == "src")


def test_the_page_forbids_itself_scripts_and_fetching():
    policy = [v for t, n, v in Page(full_report().html()).attributes if n == "content"]
    assert any("default-src 'none'" in one and "script" not in one for one in policy)


def test_the_page_says_how_and_when_it_was_made():
    page = Page(full_report().html(made=datetime(2026, 3, 4, 5, 6)))
    text = " ".join(page.texts)
    assert "simsearch evaluate CryptoPunks" in text
    assert "2026-03-04 05:06 UTC" in text
    assert f"numpy {np.__version__}" in text
    assert "Python 3." in text


def test_light_dark_and_narrow_are_provided_for():
    html = full_report().html()
    assert "prefers-color-scheme: dark" in html
    assert 'name="viewport"' in html
    assert "@media (max-width" in html


def cells_of(html):
    body = html[html.index("<tbody>") : html.index("</tbody>")]
    rows = re.findall(r"<tr>(.*?)</tr>", body, re.DOTALL)
    return [re.findall(r'<td class="([^"]*)">(.*?)</td>', row) for row in rows]


def test_zero_has_no_minus_and_long_tables_lie_beside_the_page(tmp_path):
    report = Report("t", "c")
    report.table("Gaps", [{"gap": -0.0004}, {"gap": -0.0006}])
    report.data("all", [{"gap": 1.5}, {"gap": None}])
    report.write(tmp_path)
    assert cells_of(report.html()) == [[("number", "0.000")], [("number", "-0.001")]]
    assert (tmp_path / "all.csv").read_text().split() == ["gap", "1.5", '""']


def test_numbers_are_rounded_on_the_page_and_full_in_the_csv(tmp_path):
    report = Report("t", "c")
    rows = [
        {"name": "a", "score": 0.123456789, "n": 12345},
        {"name": "b", "score": np.float32(0.5), "n": np.int64(7)},
        {"name": "c", "score": float("nan"), "n": None},
    ]
    report.table("Some: Numbers!", rows, best={"score": max, "n": min})
    report.write(tmp_path)
    assert cells_of(report.html()) == [
        [("", "a"), ("number", "0.123"), ("number", "12,345")],
        [("", "b"), ("number best", "0.500"), ("number best", "7")],
        [("", "c"), ("number", "–"), ("number", "–")],
    ]
    with (tmp_path / "some-numbers.csv").open(newline="") as file:
        read = list(csv.DictReader(file))
    assert float(read[0]["score"]) == 0.123456789
    assert read[1]["n"] == "7"


def test_files_beside_the_page(tmp_path):
    path = full_report().write(tmp_path / "new" / "folder", {"k": 10})
    assert path.name == "report.html"
    names = {one.name for one in path.parent.iterdir()}
    assert names == {"report.html", "report.json", "scores-cryptopunks.csv", "chart.png"}
    with Image.open(path.parent / "chart.png") as image:
        assert image.format == "PNG"
    assert json.loads((path.parent / "report.json").read_text()) == {"k": 10}


@pytest.mark.parametrize("title", ["Report", "Same title", "猫", "../../etc/passwd", "a" * 300])
def test_equal_or_odd_titles_give_different_plain_file_names(title, tmp_path):
    report = Report("t", "c")
    for _ in range(3):
        report.table(title, [{"a": 1}])
    report.write(tmp_path, {})
    names = [one.name for one in tmp_path.iterdir()]
    assert len(names) == 5
    assert all(re.fullmatch(r"[a-z0-9-]+\.(csv|html|json)", name) for name in names)
    slugs = re.findall(r'<section id="([^"]+)">', report.html())
    assert len(set(slugs)) == 3


def test_pictures_come_back_from_the_page_pixel_by_pixel():
    shot = Shot(sprite(), ["a"])
    with Image.open(io.BytesIO(b64decode(shot.uri.partition(",")[2]))) as image:
        assert np.array_equal(np.asarray(image.convert("RGB")), sprite())
    assert shot.few_colours
    noise = np.random.default_rng(0).integers(0, 256, (600, 300, 3), dtype=np.uint8)
    large = Shot(noise, [])
    with Image.open(io.BytesIO(b64decode(large.uri.partition(",")[2]))) as image:
        assert image.size == (96, 192)
    assert not large.few_colours


def test_right_and_wrong_answers_are_framed():
    found = [Shot(sprite(), ["x"], good) for good in (True, False, None)]
    report = Report("t", "c")
    report.cases("Cases", [Case(Shot(sprite(), ["q"]), found)])
    assert re.findall(r'<figure class="(shot[^"]*)"', report.html()) == [
        *("shot", "shot good", "shot bad", "shot")
    ]


def test_json_is_strict_and_takes_numpy():
    result = {
        "a": float("nan"),
        "b": [np.float32(0.5), -math.inf, np.int64(3)],
        "c": np.array([[1.0, np.nan]]),
        2: (True, None, "猫"),
    }
    expected = {"a": None, "b": [0.5, None, 3], "c": [[1.0, None]], "2": [True, None, "猫"]}
    assert json.loads(to_json(result), parse_constant=pytest.fail) == expected


def test_half_a_surrogate_pair_does_not_stop_the_report(tmp_path):
    report = Report("t", "c")
    report.table("T", [{"name": "\ud83d"}])
    assert "?" in report.write(tmp_path, {"name": "\ud83d"}).read_text(encoding="utf-8")


def test_an_empty_table_is_no_error():
    report = Report("t", "c")
    report.table("Empty", [])
    assert "<tbody>" in report.html()


def test_the_document_holds_all_that_the_page_shows():
    report = full_report(HOSTILE)
    made = json.loads(to_json(report.document()))
    assert [made[name] for name in ("title", "intro", "command")] == [
        HOSTILE,
        f"about {HOSTILE}",
        f"simsearch evaluate {HOSTILE}",
    ]
    table, chart, cases = made["parts"]
    assert [part["kind"] for part in made["parts"]] == ["table", "chart", "cases"]
    assert table["title"] == f"Scores {HOSTILE}"
    assert table["rows"] == [
        {"method": HOSTILE, "score": 0.91234567},
        {"method": "pixels", "score": 0.5, HOSTILE: 3},
    ]
    assert chart["svg"].startswith("<svg")
    query, found = cases["cases"][0]["query"], cases["cases"][0]["found"]
    assert query["lines"] == [HOSTILE]
    assert [one["good"] for one in [query, *found]] == [None, True]
    with Image.open(io.BytesIO(b64decode(query["uri"].partition(",")[2]))) as image:
        assert np.array_equal(np.asarray(image.convert("RGB")), sprite())
