"""The card beside trained weights: what they were trained on and how, how good they are, limits."""

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from simsearch.encoders.vgg16_nft import FORMAT
from simsearch.plots import Chart, lines
from simsearch.tensors import load_state, save_state
from simsearch.training.checkpoint import BEST
from simsearch.training.pictures import TrainingPictures
from simsearch.training.run import Run, TrainingSettings

_LIMITS = (
    "Scores are of pictures held out of the collections trained on, a few thousand at most; on "
    "collections never seen they are lower. The network sees 64 x 64 pixels. It was not made to "
    "recognise people or photographs."
)
_LONGEST = 300


def publish(
    out: Path, folder: Path, pictures: TrainingPictures, settings: TrainingSettings, run: Run
) -> dict[str, object]:
    """Write the best weights to ``out`` and beside them ``.json``, ``.md`` and ``.png``.

    Returns:
        What the card says, as JSON values.
    """
    card = _card(pictures, settings, run)
    seen, names = int((~pictures.held_out).sum()), pictures.catalog.collections
    training = f"{run.best.step} steps on {seen:,} pictures of {len(names)} collections"
    notes = {"format": FORMAT, "trained": "yes", "training": training, "width": str(settings.width)}
    state = load_state(folder / BEST)
    save_state(out, {name: one.astype("float16") for name, one in state.items()}, notes)
    text = json.dumps(card, indent=2, ensure_ascii=False) + "\n"
    out.with_suffix(".json").write_text(text, encoding="utf-8")
    out.with_suffix(".md").write_text(_markdown(out.name, training, card, run), encoding="utf-8")
    out.with_suffix(".png").write_bytes(curves(run).png)
    return card


def curves(run: Run) -> Chart:
    """Recall of edited copies and overlap of traits over steps."""
    steps = [float(one.step) for one in run.history]
    found = {"copies found": [one.measured.mean_recall for one in run.history]}
    if all(one.measured.overlap is not None for one in run.history):
        found["traits shared"] = [one.measured.overlap or 0.0 for one in run.history]
    return lines({name: (steps, line) for name, line in found.items()}, ("step", "share"))


def _card(pictures: TrainingPictures, settings: TrainingSettings, run: Run) -> dict[str, object]:
    return {
        "network": f"VGG16, configuration D, width {settings.width}, 64 x 64 pixels",
        "settings": asdict(settings),
        **data_of(pictures),
        "history": [asdict(one) | {"score": one.measured.score} for one in run.history],
        "limits": _LIMITS,
    }


def data_of(pictures: TrainingPictures) -> dict[str, object]:
    """What a card says of the pictures that a network was trained on, as JSON values."""
    return {
        "collections": [
            {"name": name, "pictures": count, "licence": _licence(pictures, name)}
            for name, count in pictures.catalog.collections.items()
        ],
        "held_out": int(pictures.held_out.sum()),
        "left_out": dict(pictures.left_out),
    }


def _licence(pictures: TrainingPictures, collection: str) -> str:
    """What ``SOURCES.md`` beside a collection's pictures says of their licence."""
    names = list(pictures.catalog.collections)
    row = int((pictures.catalog.collection_codes == names.index(collection)).argmax())
    notes = Path(pictures.catalog.picture(row).path).parent / "SOURCES.md"
    return licence_of(notes.read_text(encoding="utf-8")) if notes.is_file() else "not stated"


def licence_of(notes: str) -> str:
    """The licence that notes tell: the cell of the first row of a table, else the first line."""
    lines = notes.splitlines()
    told = [place for place, line in enumerate(lines) if "icen" in line]
    if not told:
        return "not stated"
    found = lines[told[0]].strip()
    if found.startswith("|") and len(lines) > told[0] + 2:
        column = next(place for place, cell in enumerate(_cells(found)) if "icen" in cell)
        found = (_cells(lines[told[0] + 2]) + [""] * column)[column]
    return found[:_LONGEST]


def _cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip().strip("|").split("|")]


def _markdown(name: str, training: str, card: Mapping[str, Any], run: Run) -> str:
    """The card for people."""
    data = [
        f"- {one['name']}: {one['pictures']:,} pictures; licence: {one['licence']}"
        for one in card["collections"]
    ]
    rows = [
        f"| {one.step} | {one.measured.mean_recall:.3f} | {_share(one.measured.overlap)} |"
        for one in run.history
    ]
    edits = [f"| {edit} | {value:.2f} |" for edit, value in run.best.measured.recall.items()]
    parts = [
        f"# {name}\n\n{card['network']}; {training}.",
        "## Data\n\n" + "\n".join(data),
        f"## Recipe\n\n```json\n{json.dumps(card['settings'], indent=2)}\n```",
        "## Scores\n\nOf held-out pictures: recall@1 of their edited copies, and trait overlap "
        "with their ten nearest as a share of the best possible; step 0 is untrained.\n\n"
        "| step | copies found | traits shared |\n|---|---|---|\n" + "\n".join(rows),
        f"At step {run.best.step}:\n\n| edit | recall@1 |\n|---|---|\n" + "\n".join(edits),
        f"## Limits\n\n{card['limits']}",
    ]
    return "\n\n".join(parts) + "\n"


def _share(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}"
