"""Explore without a browser: every view, every choice, and the way from a point to its item."""

import json
import shutil

import numpy as np
import pytest
from app_page import faults, html, opened

from simsearch import cli
from simsearch.engine import SearchEngine
from simsearch.maps import Map, kept_map
from simsearch.panels import explore_map
from simsearch.panels.jobs import BENCH
from simsearch.sales.table import SalesTable

SECONDS = 120


@pytest.fixture(scope="module")
def own_index(sample_index, tmp_path_factory):
    """A copy of the sample index to write into."""
    folder = tmp_path_factory.mktemp("explore") / "index"
    shutil.copytree(sample_index.folder, folder)
    return folder


@pytest.fixture(autouse=True)
def bench():
    """No job is running, and none is remembered."""
    yield
    if BENCH.current is not None:
        BENCH.current.wait(SECONDS)
    for kind in ("map", "groups"):
        BENCH.forget(kind)


def finished(page, kind):
    """The page after its job has ended."""
    assert BENCH.last(kind).wait(SECONDS)
    page.run()
    assert not faults(page)
    return page


def points(page):
    """How many points the map has, and what the legend says."""
    charts = page.get("arrow_vega_lite_chart") or page.get("vega_lite_chart")
    return charts, html(page)


@pytest.mark.parametrize("colour", ["Collection", "Price", "Trait"])
def test_the_map_by_every_colour(sample_index, monkeypatch, colour):
    page = opened(sample_index.folder, monkeypatch, panel="Explore", colour=colour)
    assert not faults(page)
    charts, text = points(page)
    assert len(charts) == 1
    assert "100 items. The plane in which these items differ most." in text
    assert 'class="legend"' in text
    assert ("ETH" in text) == (colour == "Price")


def test_the_map_of_some_collections_by_each_of_their_traits(sample_index, monkeypatch):
    address = {"panel": "Explore", "colour": "Trait", "within": "teapots"}
    page = opened(sample_index.folder, monkeypatch, **address)
    choice = page.selectbox(key="kind")
    teapots = SearchEngine.open(sample_index.folder).catalog
    rows = np.flatnonzero(teapots.collection_codes == list(teapots.collections).index("teapots"))
    kinds = sorted({kind for row in rows.tolist() for kind, _ in teapots.traits(row)})
    assert choice.options == kinds
    for kind in kinds:
        choice.set_value(kind).run()
        assert not faults(page)
        values = {value for row in rows.tolist() for k, value in teapots.traits(row) if k == kind}
        assert all(f"</i>{value}</li>" in html(page) for value in values if "'" not in value)
    assert f"{len(rows)} items." in html(page)


def test_a_group_colour_without_groups_says_where_to_find_them(sample_index, monkeypatch):
    page = opened(sample_index.folder, monkeypatch, panel="Explore", colour="Group")
    assert not faults(page)
    assert "no groups yet" in html(page)


def test_a_tsne_map_is_computed_once_and_kept(own_index, monkeypatch):
    page = opened(own_index, monkeypatch, panel="Explore", layout="t-SNE")
    assert "computed once and kept" in html(page)
    page.button(key="start/map").click().run()
    page = finished(page, "map")
    assert "Neighbours stay neighbours" in html(page)
    build = SearchEngine.open(own_index).manifest.build_id
    assert len(kept_map(own_index, build).rows) == 100
    BENCH.forget("map")
    again = opened(own_index, monkeypatch, panel="Explore", layout="t-SNE", within="masks")
    assert "40 items. Neighbours stay neighbours" in html(again)


def test_a_map_that_cannot_be_kept_is_shown_all_the_same(sample_index, monkeypatch):
    def refuse(*_):
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr(explore_map, "keep_map", refuse)
    page = opened(sample_index.folder, monkeypatch, panel="Explore", layout="t-SNE")
    page.button(key="start/map").click().run()
    assert "Neighbours stay neighbours" in html(finished(page, "map"))


def test_groups_are_found_shown_and_opened(own_index, monkeypatch):
    page = opened(own_index, monkeypatch, panel="Explore", view="Groups")
    assert "no groups of like pictures yet" in html(page)
    page.button(key="start/groups").click().run()
    page = finished(page, "groups")
    labels = SearchEngine.open(own_index).catalog.integers("cluster")
    sizes = np.bincount(labels)
    for group, size in enumerate(sizes.tolist()):
        assert f"<b>Group {group}</b> {size:,} items" in html(page)
    page.button(key="open/1").click().run()
    assert f"Group 1: {sizes[1]:,} items" in html(page)
    assert len([one for one in page.button if one.label == "Search"]) == min(sizes[1], 30)
    assert page.query_params["group"] == "1"
    page.button(key="ask-group1-0").click().run()
    assert page.session_state["panel"] == "Search"
    assert labels[SearchEngine.open(own_index).catalog.row(page.query_params["item"])] == 1
    coloured = opened(own_index, monkeypatch, panel="Explore", colour="Group")
    assert "</i>group 1</li>" in html(coloured)


def test_groups_are_those_of_the_command_line(own_index, monkeypatch, capfd):
    assert cli.run(["cluster", str(own_index), "--k", "4", "--json"]) == 0
    told = json.loads(capfd.readouterr().out)
    page = opened(own_index, monkeypatch, panel="Explore", view="Groups")
    for one in told["groups"]:
        assert f"<b>Group {one['group']}</b> {one['items']:,} items" in html(page)
        assert f'alt="{one["medoid"]}"' in html(page)


@pytest.mark.parametrize("collection", ["lighthouses", "teapots", "masks"])
def test_every_collection_with_its_market(sample_index, monkeypatch, collection):
    address = {"panel": "Explore", "view": "Collections", "of": collection}
    page = opened(sample_index.folder, monkeypatch, **address)
    assert not faults(page)
    assert "Floor by" in html(page)
    assert len(points(page)[0]) == 2
    traits = page.dataframe[0].value
    catalog = SearchEngine.open(sample_index.folder).catalog
    rows = np.flatnonzero(catalog.collection_codes == list(catalog.collections).index(collection))
    known = [pair for row in rows.tolist() for pair in set(catalog.traits(row))]
    assert {
        (one.type, one.value): one.items for one in traits[["type", "value", "items"]].itertuples()
    } == {pair: known.count(pair) for pair in set(known)}
    kinds = page.selectbox(key="type")
    for kind in kinds.options:
        kinds.set_value(kind).run()
        assert not faults(page)
        assert set(page.dataframe[0].value["type"]) == {kind}


def test_the_sales_of_an_item_with_reasons(sample_index, monkeypatch):
    sales = SalesTable.read(sample_index.folder / "sales.parquet").table.to_pylist()
    left = next(sale for sale in sales if sale["reason"] == "self-trade")
    address = {"panel": "Explore", "view": "Collections", "of": left["collection"]}
    page = opened(sample_index.folder, monkeypatch, **address)
    token = page.text_input(key=f"token/{left['collection']}")
    token.set_value(left["token_id"]).run()
    own = [one for one in sales if (one["collection"], one["token_id"]) == _key(left)]
    shown = page.dataframe[1].value
    assert sorted(shown["price"]) == sorted(one["price"] for one in own)
    assert "seller and buyer are one wallet" in shown["left out, for"].tolist()
    page.button(key="ask-item").click().run()
    assert page.query_params["item"] == "/".join(_key(left))
    back = opened(sample_index.folder, monkeypatch, **address)
    back.text_input(key=f"token/{left['collection']}").set_value("<i>nobody").run()
    (said,) = faults(back)
    assert "no item" in said
    assert "&lt;i&gt;nobody" in said


def _key(sale):
    return sale["collection"], sale["token_id"]


def test_what_is_clicked_or_framed_on_the_map():
    found = Map(
        np.array([3, 5, 7, 9]), np.array([[0, 0], [1, 1], [1.2, 1], [9, 9]], np.float32), "PCA"
    )
    key_of = "apes/{}".format
    assert explore_map.selected(found, key_of, {}).tolist() == []
    assert explore_map.selected(found, key_of, {"pick": [], "area": {}}).tolist() == []
    pick = {"pick": [{"title": "apes/9"}, {"title": "apes/3"}, {"title": "other/5"}]}
    assert explore_map.selected(found, key_of, pick).tolist() == [3, 9]
    # From the middle (1.1, .75) outwards; a frame may be drawn from any corner.
    area = {"area": {"x": [1.5, 0.7], "y": [0, 1.5]}}
    assert explore_map.selected(found, key_of, area).tolist() == [5, 7]
    assert explore_map.selected(found, key_of, {"area": {"x": [3, 4], "y": [3, 4]}}).tolist() == []
