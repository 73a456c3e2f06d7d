"""What the page shows of a job: how far it is, a way to stop it, and how it ended."""

import time
from collections.abc import Callable

import streamlit as st

from simsearch.panels import words
from simsearch.panels.jobs import BENCH, Job, Progress
from simsearch.panels.words import escaped

_SECONDS = 1.0
"""How often a running job is looked at."""


def offer(
    kind: str, label: str, title: str, work: Callable[[Progress], object], *, primary: bool = True
) -> None:
    """A button that begins a job; ``watch`` shows what becomes of it.

    Args:
        kind: of the job.
        label: on the button; Markdown, so none of it may come from a file.
        title: of the job, for people.
        work: the job.
        primary: whether the button is what the page is waiting for.
    """
    busy = BENCH.current is not None
    waited = primary and not busy
    if st.button(
        label, key=f"start/{kind}", type="primary" if waited else "secondary", disabled=busy
    ):
        BENCH.start(kind, title, work)
        st.rerun()


def watch(kind: str) -> None:
    """Show the job that runs, whoever began it, and what went wrong with the last of a kind."""
    if BENCH.current is not None:
        _running(kind)
    last = BENCH.last(kind)
    if last is not None and last.ended and last.error:
        words.error(last.error)


@st.fragment(run_every=_SECONDS)
def _running(kind: str) -> None:
    job = BENCH.current
    if job is None:
        st.rerun()
    with st.container(horizontal=True, vertical_alignment="center", key=f"running/{kind}"):
        st.html(_bar(job), width="stretch")
        stoppable = job.kind == kind and job.total > 1
        if stoppable and st.button("Stop", key=f"stop/{kind}", disabled=job.stopping):
            job.stop()


def _bar(job: Job) -> str:
    seconds = int(time.monotonic() - job.started)
    stage = "stopping" if job.stopping else job.stage or "beginning"
    counted = f" {job.done:,} of {job.total:,}" if job.total > 1 else ""
    share = 100 * job.done / job.total if job.total > 1 else None
    bar = "<i></i>" if share is None else f'<i style="width:{share:.1f}%"></i>'
    now = "" if share is None else f' aria-valuenow="{share:.0f}"'
    return (
        f'<div class="work"><p><b>{escaped(job.title)}</b> '
        f'<span class="soft">{escaped(stage)}{counted} · {seconds // 60}:{seconds % 60:02}</span>'
        f'</p><div class="bar{" vague" * (share is None)}" role="progressbar" '
        f'aria-label="{escaped(job.title)}"{now}>{bar}</div></div>'
    )
