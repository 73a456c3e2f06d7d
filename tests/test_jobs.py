"""Long work behind the page: one piece at a time, stopped when told, its faults in one line."""

import logging
import threading

import pytest

from simsearch.errors import StoreError
from simsearch.panels.jobs import Workbench

SECONDS = 20


@pytest.fixture
def bench():
    return Workbench()


def test_one_job_at_a_time(bench):
    going = threading.Event()
    job = bench.start("a", "First", lambda told: going.wait(SECONDS) and "done")
    assert bench.current is job
    assert bench.start("b", "Second", lambda told: None) is None
    going.set()
    assert job.wait(SECONDS)
    assert (job.result, job.error, bench.current) == ("done", "", None)
    second = bench.start("b", "Second", lambda told: 2)
    assert second.wait(SECONDS)
    assert (bench.last("a").result, bench.last("b").result) == ("done", 2)


def test_how_far_it_is(bench):
    seen, going = threading.Event(), threading.Event()

    def work(told):
        told("counting", 3, 7)
        seen.set()
        going.wait(SECONDS)

    job = bench.start("a", "A", work)
    assert seen.wait(SECONDS)
    assert (job.stage, job.done, job.total, job.ended) == ("counting", 3, 7, False)
    going.set()
    assert job.wait(SECONDS)


def test_a_job_told_to_stop_ends_where_it_next_tells(bench):
    began, reached = threading.Event(), []

    def work(told):
        began.set()
        while True:
            reached.append(len(reached))
            told("on and on", len(reached), 0)

    job = bench.start("a", "Counting", work)
    assert began.wait(SECONDS)
    job.stop()
    assert job.stopping
    assert job.wait(SECONDS)
    assert (job.error, job.result) == ("Counting: stopped.", None)
    assert bench.start("a", "Counting", lambda told: None) is not None


def test_a_known_fault_is_told_as_it_is(bench):
    def work(told):
        raise StoreError("the disk is full; free some space")

    job = bench.start("a", "A", work)
    assert job.wait(SECONDS)
    assert job.error == "the disk is full; free some space"


def test_an_unknown_fault_is_one_line_and_goes_to_the_log(bench, caplog):
    with caplog.at_level(logging.ERROR):
        job = bench.start("a", "Adding", lambda told: {}["secret path"])
        assert job.wait(SECONDS)
    assert job.error == "Adding failed (KeyError); the log says where."
    assert "secret path" in caplog.text
