"""Evaluate without a browser: every evaluation, every choice, one run at a time."""

import threading

import pytest
from app_page import faults, html, opened

from simsearch.engine import SearchEngine
from simsearch.errors import SourceError, StoreError
from simsearch.pages import trials
from simsearch.pages.trials import EVALUATIONS
from simsearch.panels.jobs import BENCH

SECONDS = 120
NAMES = [*EVALUATIONS]


@pytest.fixture(autouse=True)
def bench():
    yield
    if BENCH.current is not None:
        BENCH.current.wait(SECONDS)
    for name in NAMES:
        BENCH.forget(f"evaluate/{name}")


def page_of(index, monkeypatch, name, **address):
    title = EVALUATIONS[name].title
    return opened(index, monkeypatch, panel="Evaluate", evaluation=title, **address)


@pytest.mark.parametrize("name", NAMES)
def test_every_evaluation_is_offered_in_every_size(sample_index, monkeypatch, name):
    page = page_of(sample_index.folder, monkeypatch, name)
    assert not faults(page)
    assert "Not measured on this index yet." in html(page)
    taken = []
    monkeypatch.setattr(trials, "evaluate", lambda engine, name, size, told: taken.append(size))
    sizes = EVALUATIONS[name].sizes
    choice = page.selectbox(key=f"size/{name}")
    assert choice.options == [size.words for size in sizes]
    for size in sizes:
        page.selectbox(key=f"size/{name}").set_value(size).run()
        page.button(key=f"start/evaluate/{name}").click().run()
        assert BENCH.last(f"evaluate/{name}").wait(SECONDS)
    assert taken == list(sizes)


def test_a_run_is_shown_kept_and_there_again(own_index, monkeypatch):
    page = page_of(own_index, monkeypatch, "collection")
    page.selectbox(key="size/collection").set_value(EVALUATIONS["collection"].sizes[1]).run()
    page.button(key="start/evaluate/collection").click().run()
    assert BENCH.last("evaluate/collection").wait(SECONDS)
    page.run()
    assert not faults(page)
    assert "Measured" in html(page)
    kept = trials.kept(SearchEngine.open(own_index), "collection")
    tables = [part for part in kept["parts"] if part["kind"] == "table"]
    assert [frame.value.to_dict("records") for frame in page.dataframe] == [
        [pytest.approx(row, nan_ok=True) for row in table["rows"]] for table in tables
    ]
    charts = [part for part in kept["parts"] if part["kind"] == "chart"]
    assert html(page).count('<img class="chart"') == len(charts) > 0
    BENCH.forget("evaluate/collection")
    again = page_of(own_index, monkeypatch, "collection")
    assert again.button(key="start/evaluate/collection").label == "Measure again"
    assert len(again.dataframe) == len(tables)


def test_one_run_at_a_time_for_all_sessions(sample_index, monkeypatch):
    going, began = threading.Event(), threading.Event()

    def wait(engine, name, size, told):
        told("asking", 1, 4)
        began.set()
        going.wait(SECONDS)
        told("asking", 2, 4)
        raise AssertionError("it was told to stop")

    monkeypatch.setattr(trials, "evaluate", wait)
    one = page_of(sample_index.folder, monkeypatch, "collection")
    one.button(key="start/evaluate/collection").click().run()
    assert began.wait(SECONDS)
    other = page_of(sample_index.folder, monkeypatch, "retrieval")
    assert other.button(key="start/evaluate/retrieval").disabled
    assert "Evaluating collections" in html(other)
    assert "asking 1 of 4" in html(other)
    one.run()
    one.button(key="stop/evaluate/collection").click().run()
    going.set()
    assert BENCH.last("evaluate/collection").wait(SECONDS)
    one.run()
    (said,) = faults(one)
    assert "Evaluating collections: stopped." in said
    assert not faults(other.run())
    assert not other.button(key="start/evaluate/retrieval").disabled


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (SourceError("the pictures have <b>gone</b>"), "the pictures have &lt;b&gt;gone&lt;/b&gt;"),
        (ZeroDivisionError("at /secret"), "Evaluating groups failed (ZeroDivisionError)"),
    ],
)
def test_a_fault_is_one_line(sample_index, monkeypatch, error, line):
    def fail(*_):
        raise error

    monkeypatch.setattr(trials, "evaluate", fail)
    page = page_of(sample_index.folder, monkeypatch, "clusters")
    page.button(key="start/evaluate/clusters").click().run()
    assert BENCH.last("evaluate/clusters").wait(SECONDS)
    (said,) = faults(page.run())
    assert line in said
    assert "secret" not in said


def test_a_page_that_cannot_be_kept_is_shown_all_the_same(sample_index, monkeypatch):
    def refuse(*_):
        raise StoreError("read-only")

    made = {"title": "t", "intro": "Of <i>all</i>", "command": "c", "made": "2026", "parts": []}
    monkeypatch.setattr(trials, "evaluate", lambda *_: made)
    monkeypatch.setattr(trials, "keep", refuse)
    page = page_of(sample_index.folder, monkeypatch, "clusters")
    page.button(key="start/evaluate/clusters").click().run()
    assert BENCH.last("evaluate/clusters").wait(SECONDS)
    page.run()
    assert not faults(page)
    assert "Of &lt;i&gt;all&lt;/i&gt;" in html(page)
