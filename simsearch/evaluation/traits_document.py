"""What ``evaluate traits --json`` prints."""

import numpy as np

from simsearch.catalog import Catalog, Trait
from simsearch.evaluation.traits import CollectionTraits, TraitResult, Trial

_SCORES = ("accuracy", "precision", "recall", "f1")


def traits_document(result: TraitResult, catalog: Catalog) -> dict[str, object]:
    """All numbers, means over the seeds; NaN where there was nothing to measure."""
    settings = result.settings
    return {
        "test_share": settings.test_share,
        "seeds": list(settings.seeds),
        "collections": {
            name: _collection(found, catalog) for name, found in result.collections.items()
        },
    }


def trait_name(trait: Trait) -> str:
    """``type=value``, as filters write it."""
    return "=".join(trait)


def _collection(found: CollectionTraits, catalog: Catalog) -> dict[str, object]:
    trials = found.trials
    return {
        "items": len(found.known.rows),
        "side": found.known.side,
        "exclusive_types": list(found.exclusive),
        "micro_f1": _mean([trial.scores.micro_f1 for trial in trials]),
        "macro_f1": _mean([trial.scores.macro_f1 for trial in trials]),
        "perfect": _mean([trial.scores.perfect for trial in trials]),
        "asked_traits": _mean([int((trial.scores.support > 0).sum()) for trial in trials]),
        "all_right": _mean([trial.scores.all_right for trial in trials]),
        "visible": {
            "micro_f1": _mean([trial.visible for trial in trials]),
            "ceiling": _mean([trial.ceiling for trial in trials]),
            "hidden_labels": int(found.hidden.sum()),
            "labels": int(found.known.labels.sum()),
        },
        "train_seconds": _mean([trial.train_seconds for trial in trials]),
        "milliseconds_a_picture": _mean([trial.milliseconds for trial in trials]),
        "trials": [_trial(trial) for trial in trials],
        "curve": [
            {"pictures": count, "micro_f1": micro, "macro_f1": macro}
            for count, (micro, macro) in sorted(found.curve.items())
        ],
        "traits": _traits(found),
        "hidden": _hidden(found, catalog),
    }


def _mean(values: list[float]) -> float:
    known = [value for value in values if value == value]
    return float(np.mean(known)) if known else float("nan")


def _trial(trial: Trial) -> dict[str, object]:
    scores = trial.scores
    return {
        "seed": trial.seed,
        "micro_f1": scores.micro_f1,
        "macro_f1": scores.macro_f1,
        "perfect": scores.perfect,
        "all_right": scores.all_right,
        "visible_micro_f1": trial.visible,
        "ceiling": trial.ceiling,
    }


def _traits(found: CollectionTraits) -> dict[str, object]:
    support, means = found.mean("support"), {name: found.mean(name) for name in _SCORES}
    perfect = np.mean([trial.scores.f1 == 1 for trial in found.trials], axis=0)
    hidden = found.hidden.sum(axis=0)
    return {
        trait_name(trait): {
            "support": support[column],
            **{name: means[name][column] for name in _SCORES},
            "perfect": perfect[column],
            "labels": int(found.known.labels[:, column].sum()),
            "hidden": int(hidden[column]),
        }
        for column, trait in enumerate(found.known.vocabulary)
    }


def _hidden(found: CollectionTraits, catalog: Catalog) -> dict[str, list[str]]:
    """Key of an item → its labels that cannot be seen."""
    names = [trait_name(trait) for trait in found.known.vocabulary]
    keys = catalog.take(found.known.rows).keys()
    return {
        keys[row]: [names[column] for column in np.flatnonzero(found.hidden[row])]
        for row in np.flatnonzero(found.hidden.any(axis=1)).tolist()
    }
