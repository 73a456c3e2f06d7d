"""The panel Evaluate. How good the index is: the evaluations, run here and shown as reports."""

from functools import partial

import streamlit as st

from simsearch.engine import SearchEngine
from simsearch.errors import StoreError
from simsearch.pages import trials
from simsearch.pages.trials import EVALUATIONS, Document, Size
from simsearch.panels import parts, running, words
from simsearch.panels.jobs import BENCH, Progress
from simsearch.panels.words import escaped


def show(engine: SearchEngine) -> None:
    """Draw the panel."""
    name = st.segmented_control(
        "Evaluation",
        list(EVALUATIONS),
        default=next(iter(EVALUATIONS)),
        required=True,
        format_func=lambda one: EVALUATIONS[one].title,
        key="evaluation",
        label_visibility="collapsed",
        bind="query-params",
    )
    st.html(f'<p class="soft">{escaped(EVALUATIONS[name].about)}</p>')
    found = _found(engine, name)
    _controls(engine, name, again=found is not None)
    if found is not None:
        _show_report(found)


def _controls(engine: SearchEngine, name: str, *, again: bool) -> None:
    chosen = EVALUATIONS[name]
    with st.container(horizontal=True, vertical_alignment="bottom", key="evaluate-controls"):
        size = st.selectbox(
            "How much",
            chosen.sizes,
            format_func=lambda one: one.words,
            key=f"size/{name}",
            width=340,
        )
        running.offer(
            f"evaluate/{name}",
            "Measure again" if again else "Measure",
            f"Evaluating {chosen.title.lower()}",
            partial(_measure, engine, name, size),
            primary=not again,
        )
    running.watch(f"evaluate/{name}")
    if not again and BENCH.current is None:
        words.note("Not measured on this index yet.")


def _measure(
    engine: SearchEngine, name: str, size: Size, progress: Progress
) -> tuple[str, Document]:
    """Measure, and keep the page; where nothing can be written, this process has it."""
    made = trials.evaluate(engine, name, size, progress)
    progress("writing", 0, 0)
    try:
        trials.keep(engine, name, made)
    except StoreError as error:
        progress(str(error), 0, 0)
    return engine.manifest.build_id, made


def _found(engine: SearchEngine, name: str) -> Document | None:
    """The page of this build: measured in this process, or kept beside the index."""
    job = BENCH.last(f"evaluate/{name}")
    if job is not None and job.ended and isinstance(job.result, tuple):
        made: Document = job.result[1]
        if job.result[0] == engine.manifest.build_id:
            return made
    return trials.kept(engine, name)


def _show_report(document: Document) -> None:
    made = str(document["made"]).replace("T", " ").removesuffix("+00:00")
    st.html(
        f'<p>{escaped(document["intro"])}</p><p class="soft small">Measured {escaped(made)} UTC. '
        "The same in a terminal, with every number as CSV: "
        f"<code>{escaped(document['command'])} --report DIR</code></p>"
    )
    for part in document["parts"]:  # type: ignore[attr-defined]
        parts.show(part)
