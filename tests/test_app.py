"""The page as a person uses it, without a browser: every panel, every choice, every refusal."""

import csv
import datetime as dt
import io
import json
import re
from html import escape, unescape
from urllib.parse import parse_qsl

import pytest
from app_page import HOSTILE, faults, html, long_gif, opened

from simsearch import cli
from simsearch.engine import SearchEngine
from simsearch.panels import downloads, start
from simsearch.panels.cards import chips
from simsearch.panels.example import example_picture
from simsearch.recognition.membership import Membership
from simsearch.store import places

CARD = re.compile(r'class="line"><b>(.*?)</b><span title="similarity">(.*?)</span>')


def cards(page):
    """Token and similarity of each look-alike, in the order shown."""
    return [(token, float(number)) for token, number in CARD.findall(html(page))]


def asked(index, capfd, *question):
    """What the command line answers."""
    capfd.readouterr()
    assert cli.run(["query", *map(str, question), "--index", str(index), "--json"]) == 0
    return json.loads(capfd.readouterr().out)


@pytest.mark.parametrize("panel", ["Search", "Explore", "Evaluate", "Index"])
def test_every_panel_opens_without_a_fault(sample_index, monkeypatch, panel):
    page = opened(sample_index.folder, monkeypatch, panel=panel)
    assert not faults(page)
    assert page.session_state["panel"] == panel


def test_the_numbers_of_the_page_are_those_of_the_command_line(sample_index, monkeypatch, capfd):
    page = opened(sample_index.folder, monkeypatch, item="teapots/7", k="6", balance="90")
    told = asked(sample_index.folder, capfd, "teapots/7", "-k", 6, "--space", "traits")
    assert not faults(page)
    assert cards(page) == [
        (one["token_id"], round(1 - one["distance"], 3)) for one in told["neighbors"]
    ]
    text = html(page)
    found, value = told["collection"], told["value"]
    assert f'Tea Party <span class="soft">{found["probability"]:.0%}</span>' in text
    assert f"{value['price']:.4g} {value['currency']}" in text
    assert f"{value['low']:.4g} to {value['high']:.4g} {value['currency']}" in text
    for one in value["comparables"]:
        assert f"<td>{one['token_id']}</td><td>{one['date']}</td>" in text
        assert f">{one['price_today']:.4g}</td>" in text
    for one in value["excluded"]:
        assert f"<td>{one['reason']}" in text
    for warning in value["warnings"]:
        assert f"<li>{escape(warning)}</li>" in text


def test_an_uploaded_picture_is_answered_as_the_command_line_does(
    sample_index, monkeypatch, capfd, tmp_path
):
    picture = tmp_path / "new.png"
    picture.write_bytes(example_picture())
    page = opened(sample_index.folder, monkeypatch)
    page.file_uploader[0].upload("new.png", picture.read_bytes(), "image/png").run()
    told = asked(sample_index.folder, capfd, picture)
    assert not faults(page)
    assert cards(page) == [
        (one["token_id"], round(1 - one["distance"], 3)) for one in told["neighbors"]
    ]
    other = opened(sample_index.folder, monkeypatch)
    next(one for one in other.button if one.label == "Example").click().run()
    assert cards(other) == cards(page)


TRAIT = re.compile(r'<tr><td class="soft">(.*?)</td><td>(.*?)</td><td class="sure">(.*?)</td></tr>')


def test_traits_of_an_unlabelled_picture_are_read_with_probabilities(
    sample_index, monkeypatch, capfd, tmp_path
):
    picture = tmp_path / "new.png"
    picture.write_bytes(example_picture())
    page = opened(sample_index.folder, monkeypatch)
    page.file_uploader[0].upload("new.png", picture.read_bytes(), "image/png").run()
    told = asked(sample_index.folder, capfd, picture)
    assert len(told["shown"]) > 2
    assert [(unescape(kind), unescape(value)) for kind, value, _ in TRAIT.findall(html(page))] == [
        (one["type"], one["value"]) for one in told["shown"]
    ]
    for (_, _, said), one in zip(TRAIT.findall(html(page)), told["shown"], strict=True):
        bar, share = re.search(r"width:(\d+)%.*>(\d+)%</span>", said).groups()
        assert bar == share
        assert int(share) == pytest.approx(100 * one["probability"], abs=0.51)
    engine = sample_index.engine
    query = engine.read(picture.read_bytes(), "new.png")
    for (_, value), sure in engine.traits.shown(query.rgb, "teapots"):
        assert f'{escape(value)} <span class="soft">{sure:.0%}</span>' in html(page), "compared so"


def test_traits_of_an_item_are_known_and_not_read(sample_index, monkeypatch):
    page = opened(sample_index.folder, monkeypatch, item="teapots/7")
    engine = SearchEngine.open(sample_index.folder)
    known = engine.catalog.traits(engine.catalog.row("teapots/7"))
    assert f"<h3>Known traits</h3>{chips(known)}" in html(page)
    assert not TRAIT.findall(html(page))


def test_a_picture_of_no_collection_has_no_traits(sample_index, monkeypatch):
    stranger = Membership("teapots", 0.3, known=False)
    monkeypatch.setattr(SearchEngine, "identify", lambda engine, query: stranger)
    page = opened(sample_index.folder, monkeypatch)
    page.file_uploader[0].upload("new.png", example_picture(), "image/png").run()
    assert ">Unknown <" in html(page)
    assert not TRAIT.findall(html(page))


def test_a_neighbour_is_followed_and_stands_in_the_address(sample_index, monkeypatch):
    page = opened(sample_index.folder, monkeypatch, item="masks/mask-0007")
    (first, _), *_ = cards(page)
    page.button(key="by0").click().run()
    assert page.query_params["item"] == f"masks/{first}"
    assert f'<p class="name">masks/{first}</p>' in html(page)
    again = opened(sample_index.folder, monkeypatch, **page.query_params)
    assert cards(again) == cards(page)


def test_an_item_is_asked_by_its_key_by_chance_or_by_a_picture_that_is_pasted(
    sample_index, monkeypatch
):
    page = opened(sample_index.folder, monkeypatch)
    assert not cards(page)
    assert "Drop a picture" in html(page)
    page.chat_input(key="box").set_value(" lighthouses/3 ").run()
    assert page.query_params["item"] == "lighthouses/3"
    page.button(key="by2").click().run()
    next(one for one in page.button if one.label == "Random item").click().run()
    assert f'<p class="name">{page.query_params["item"]}</p>' in html(page)
    page.chat_input(key="box").upload("a.png", example_picture(), "image/png").run()
    assert "item" not in page.query_params
    assert '<p class="name">a.png</p>' in html(page)
    page.chat_input(key="box").set_value("nobody/0").run()
    (said,) = faults(page)
    assert "no item &#x27;nobody/0&#x27; in this index" in said


def test_the_address_filters_as_the_command_line_does(sample_index, monkeypatch, capfd):
    kind, value = SearchEngine.open(sample_index.folder).catalog.traits(0)[0]
    page = opened(
        sample_index.folder,
        monkeypatch,
        item="lighthouses/0",
        collection="lighthouses",
        trait=f"{kind}={value}",
        currency="ETH",
        min="0.1",
        max="5",
        since="2022-06-01",
        until="2023-06-01",
    )
    question = ["--collection", "lighthouses", "--trait", f"{kind}={value}", "--currency", "ETH"]
    question += ["--min-price", 0.1, "--max-price", 5, "--since", "2022-06-01"]
    told = asked(sample_index.folder, capfd, "lighthouses/0", *question, "--until", "2023-06-01")
    assert not faults(page)
    assert cards(page)
    said = f"lighthouses · {kind}: {value} · from 0.1 up to 5 ETH · "
    said += "sold since 2022-06-01 until 2023-06-01"
    assert f">{said}</p>" in html(page)
    assert [token for token, _ in cards(page)] == [one["token_id"] for one in told["neighbors"]]


def test_every_choice_of_every_selector_is_drawn(sample_index, monkeypatch):
    page = opened(sample_index.folder, monkeypatch, item="teapots/7", k="4")
    tried = 0
    for box in list(page.selectbox):
        for option in box.options:
            page.selectbox(key=box.key).select(option).run()
            assert not faults(page), (box.label, option)
            tried += 1
        if box.key == "currency":
            page.selectbox(key=box.key).set_value(None).run()
    assert tried >= 3 + 4 + 2
    for collection in page.multiselect(key="collection").options:
        page.multiselect(key="collection").set_value([collection]).run()
        assert not faults(page), collection
        assert page.multiselect(key="trait").options
    for balance in (0, 50, 100):
        page.slider(key="balance").set_value(balance).run()
        assert not faults(page), balance


def test_look_alikes_are_ordered_by_price_within_a_currency(sample_index, monkeypatch):
    pages = {
        sort: opened(sample_index.folder, monkeypatch, item="teapots/7", k="30", sort=sort)
        for sort in ("lowest price", "highest price")
    }
    prices = {
        sort: re.findall(r"<p>([\d.,]+) ([A-Z]+) <span", html(page)) for sort, page in pages.items()
    }
    low, high = (
        [(currency, float(price.replace(",", ""))) for price, currency in found[1:]]
        for found in prices.values()
    )
    assert low == sorted(low)
    assert high == sorted(high, key=lambda pair: (pair[0], -pair[1]))
    assert sorted(low) == sorted(high)


def test_several_pictures_are_asked_one_after_the_other(sample_index, monkeypatch):
    page = opened(sample_index.folder, monkeypatch)
    files = [("a.png", example_picture(), ""), ("b.png", sample_index.picture.read_bytes(), "")]
    page.file_uploader[0].set_value(files).run()
    assert '<p class="name">b.png</p>' in html(page)
    assert cards(page)[0] == ("7", 1.0)
    page.selectbox(key="which").select_index(1).run()
    assert '<p class="name">a.png</p>' in html(page)
    page.file_uploader[0].set_value([*files, ("c.png", files[0][1], "")]).run()
    assert '<p class="name">c.png</p>' in html(page)


def test_a_picture_that_is_none_is_named_in_one_line_and_the_others_are_answered(
    sample_index, monkeypatch
):
    page = opened(sample_index.folder, monkeypatch)
    files = [(name, data, "image/png") for name, (data, _) in HOSTILE.items()]
    files.append(("long.gif", long_gif(), "image/gif"))
    page.file_uploader[0].set_value(files).run()
    told = faults(page)
    assert len(told) == len(HOSTILE)
    for line, (name, (_, reason)) in zip(reversed(told), HOSTILE.items(), strict=True):
        assert f">{name}: " in line
        assert reason in line
    assert '<p class="name">long.gif</p>' in html(page)
    assert len(cards(page)) == 10


def test_more_pictures_than_are_asked_with_at_once_are_left_out(sample_index, monkeypatch):
    page = opened(sample_index.folder, monkeypatch)
    small = sample_index.picture.read_bytes()
    page.file_uploader[0].set_value([(f"{n}.png", small, "") for n in range(22)]).run()
    assert "22 pictures: the last 20 are asked with" in html(page)
    assert len(page.selectbox(key="which").options) == 20


def test_where_there_is_no_index_one_can_be_made(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(start, "SIZE", 20)
    monkeypatch.setenv("SIMSEARCH_INDEX", "")
    monkeypatch.delenv("SIMSEARCH_INDEX")
    assert places.default_index() is None
    page = opened_without_index()
    assert "No index yet" in html(page)
    page.button[0].click().run()
    assert not faults(page)
    assert "sample · 110 items" in html(page)
    page.button(key="by0").click().run()
    assert not faults(page)
    assert "<h3>Group</h3>" in html(page)
    (address,) = re.findall(r'<a href="\?([^"]+)"', html(page))
    place = dict(parse_qsl(unescape(address)))
    group = opened(tmp_path / "indexes" / "sample", monkeypatch, **place)
    assert not faults(group)
    assert str(group.session_state["group"]) == place["group"]


def opened_without_index():
    from app_page import APP
    from streamlit.testing.v1 import AppTest

    return AppTest.from_file(APP, default_timeout=300).run()


def test_a_damaged_index_is_one_line_that_says_what_to_do(sample_index, monkeypatch, tmp_path):
    page = opened(tmp_path / "nothing", monkeypatch)
    (said,) = faults(page)
    assert "no index here; make one: simsearch index build" in said


def test_the_table_to_take_along_has_the_documents_numbers_and_no_formulas(sample_index, capfd):
    engine = SearchEngine.open(sample_index.folder)
    found = engine.answer(engine.item("teapots/7"), 5).neighbors
    rows = list(csv.DictReader(io.StringIO(downloads.table(found).decode())))
    told = asked(sample_index.folder, capfd, "teapots/7", "-k", 5, "--space", "look")["neighbors"]
    for row, one in zip(rows, told, strict=True):
        assert float(row["distance"]) == one["distance"]
        assert row["sale_date"] == (one["sale_date"] or "")
        assert row["traits"] == "; ".join(f"{t['type']}={t['value']}" for t in one["traits"])
    assert downloads._harmless("=1+1") == "'=1+1"
    assert downloads._harmless("plain") == "plain"
    assert dt.date.fromisoformat(rows[0]["sale_date"] or "2022-01-01")
