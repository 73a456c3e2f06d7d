"""The card beside trained weights: what they were trained on and how, how good they are, limits."""

import json
from dataclasses import asdict
from pathlib import Path

from simsearch.encoders.vgg16_nft import FORMAT
from simsearch.plots import Chart, lines
from simsearch.tensors import load_state, save_state
from simsearch.training.checkpoint import BEST
from simsearch.training.encoder import Run, TrainingSettings
from simsearch.training.pictures import TrainingPictures

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
    best = max(run.history, key=lambda one: float(str(one["score"])))
    seen, names = int((~pictures.held_out).sum()), pictures.catalog.collections
    training = f"{best['step']} steps on {seen:,} pictures of {len(names)} collections"
    notes = {"format": FORMAT, "trained": "yes", "training": training, "width": str(settings.width)}
    state = load_state(folder / BEST)
    save_state(out, {name: one.astype("float16") for name, one in state.items()}, notes)
    text = json.dumps(card, indent=2, ensure_ascii=False) + "\n"
    out.with_suffix(".json").write_text(text, encoding="utf-8")
    out.with_suffix(".md").write_text(_markdown(out.name, training, card), encoding="utf-8")
    out.with_suffix(".png").write_bytes(curves(run).png)
    return card


def curves(run: Run) -> Chart:
    """Recall of edited copies over steps, and their mean."""
    steps = [float(str(one["step"])) for one in run.history]
    return lines({"mean over edits": (steps, run.scores)}, ("step", "recall@1 of edited copies"))


def _card(pictures: TrainingPictures, settings: TrainingSettings, run: Run) -> dict[str, object]:
    return {
        "network": f"VGG16, configuration D, width {settings.width}, 64 x 64 pixels",
        "settings": asdict(settings),
        "collections": [
            {"name": name, "pictures": count, "licence": _licence(pictures, name)}
            for name, count in pictures.catalog.collections.items()
        ],
        "held_out": int(pictures.held_out.sum()),
        "left_out": dict(pictures.left_out),
        "history": run.history,
        "limits": _LIMITS,
    }


def _licence(pictures: TrainingPictures, collection: str) -> str:
    """What ``SOURCES.md`` beside a collection's pictures says of its licence."""
    names = list(pictures.catalog.collections)
    row = int((pictures.catalog.collection_codes == names.index(collection)).argmax())
    notes = Path(pictures.catalog.picture(row).path).parent / "SOURCES.md"
    if not notes.is_file():
        return "not stated"
    found = [line for line in notes.read_text(encoding="utf-8").splitlines() if "icen" in line]
    return found[0].strip()[:_LONGEST] if found else "not stated"


def _markdown(name: str, training: str, card: dict[str, object]) -> str:
    """The card for people."""
    history = card["history"]
    rows = [f"| {one['step']} | {one['score']:.3f} |" for one in history]  # type: ignore[attr-defined]
    data = [
        f"- {one['name']}: {one['pictures']:,} pictures; licence: {one['licence']}"
        for one in card["collections"]  # type: ignore[attr-defined]
    ]
    best = max(history, key=lambda one: one["score"])  # type: ignore[call-overload]
    edits = [f"| {edit} | {value:.2f} |" for edit, value in best["recall"].items()]
    parts = [
        f"# {name}\n\n{card['network']}; {training}.",
        "## Data\n\n" + "\n".join(data),
        f"## Recipe\n\n```json\n{json.dumps(card['settings'], indent=2)}\n```",
        "## Scores\n\nRecall@1 of edited copies of held-out pictures; step 0 is untrained.\n\n"
        "| step | mean |\n|---|---|\n" + "\n".join(rows),
        f"At step {best['step']}:\n\n| edit | recall@1 |\n|---|---|\n" + "\n".join(edits),
        f"## Limits\n\n{card['limits']}",
    ]
    return "\n\n".join(parts) + "\n"
