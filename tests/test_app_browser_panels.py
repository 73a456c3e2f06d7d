"""Explore, Evaluate and Index in a real browser: what is pointed at, framed, run and added."""

import io
import re
import shutil
import zipfile
from itertools import product

import pytest
from test_app_browser import (  # noqa: F401 -- fixtures
    BROWSER,
    browser,
    expect,
    served,
    settle,
    similarities,
    visit,
)

from simsearch.panels.example import example_picture

pytestmark = pytest.mark.skipif(not BROWSER, reason="no Chromium on this machine")
CHART = '[data-testid="stVegaLiteChart"] :is(canvas, svg.marks)'


@pytest.fixture(scope="module")
def address(sample_index, tmp_path_factory):
    """The page of a copy of the sample index, which may be added to."""
    folder = tmp_path_factory.mktemp("served")
    shutil.copytree(sample_index.folder, folder / "index")
    with served(folder / "index", folder) as url:
        yield url


@pytest.fixture
def the_map(visit):  # noqa: F811
    """The map, drawn to its end, and where it stands in the window."""
    page = visit("?panel=Explore")
    chart = page.locator(CHART).first
    chart.wait_for()
    settle(page)
    page.wait_for_timeout(500)  # Vega draws after the script has ended
    return page, chart.bounding_box()


def test_an_item_is_pointed_at_clicked_and_searched_by(the_map):
    page, box = the_map
    tooltip = page.locator("#vg-tooltip-element.visible")
    for row, column in product(range(2, 38), range(2, 98)):
        page.mouse.move(box["x"] + box["width"] * column / 100, box["y"] + box["height"] * row / 40)
        if tooltip.count():
            break
    key = tooltip.locator("h2").inner_text()
    assert key.split("/")[0] in {"lighthouses", "teapots", "masks"}
    assert tooltip.locator("img").get_attribute("src").startswith("data:image/")
    page.mouse.down()
    page.mouse.up()
    expect(page.locator("h3.part")).to_have_text("1 item selected")
    settle(page)
    page.get_by_role("button", name="Search", exact=True).click()
    expect(page.locator(".name")).to_have_text(key)
    expect(similarities(page)).to_have_count(10)


def test_items_are_framed(the_map):
    page, box = the_map
    page.mouse.move(box["x"] + 4, box["y"] + 4)
    page.mouse.down()
    for step in (0.3, 0.7, 0.995):
        page.mouse.move(box["x"] + box["width"] * step, box["y"] + box["height"] * step)
    page.mouse.up()
    expect(page.locator("h3.part")).to_have_text(
        "100 items selected, shown are the 24 in the middle"
    )
    expect(page.get_by_role("button", name="Search", exact=True)).to_have_count(24)


def test_an_evaluation_runs_and_is_shown(visit):  # noqa: F811
    page = visit("?panel=Evaluate&evaluation=Collections")
    page.get_by_role("button", name="Measure", exact=True).click()
    expect(page.get_by_role("button", name="Measure again")).to_be_enabled()
    expect(page.locator("img.chart").first).to_be_visible()
    broken = "charts => charts.filter(chart => !chart.naturalWidth).length"
    assert page.locator("img.chart").evaluate_all(broken) == 0


@pytest.mark.parametrize(
    "query",
    [
        *("?panel=Explore", "?panel=Explore&view=Groups", "?panel=Explore&view=Collections"),
        *("?panel=Evaluate", "?panel=Index"),
    ],
)
def test_every_panel_fits_a_phone(visit, query):  # noqa: F811
    page = visit(query, width=390)
    settle(page)
    page.wait_for_timeout(300)
    wide = page.eval_on_selector(".stMain", "main => [main.scrollWidth, main.clientWidth]")
    assert wide == [390, 390]


def test_an_archive_is_added(visit):  # noqa: F811
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as made:
        made.writestr("1.png", example_picture())
    page = visit("?panel=Index")
    file = {"name": "New Pots.zip", "mimeType": "application/zip", "buffer": packed.getvalue()}
    page.locator('[data-testid="stFileUploader"] input[type="file"]').set_input_files(file)
    page.get_by_role("button", name="Add", exact=True).click()
    expect(page.locator(".notice.note").last).to_contain_text("The index now holds 101 items")
    expect(page.locator(".about")).to_have_text(re.compile("101 items"))
