"""The ceiling that hidden labels set, against a scan that knows what the drawing covered."""

import numpy as np
import pytest
from layered import SIDE, VOCABULARY, layered
from PIL import Image

from simsearch.catalog import Catalog, Item, Picture
from simsearch.evaluation.material import Split
from simsearch.evaluation.sample import Sample
from simsearch.evaluation.visible import visible_ceiling

K = 10


def jaccard(one: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Overlap of one set (t,) with others (n, t)."""
    return (one & others).sum(axis=1) / np.maximum((one | others).sum(axis=1), 1)


def scanned(sample: Sample, asking: np.ndarray, labels: np.ndarray) -> float:
    """Trait overlap@k where queries are asked with ``asking`` and judged by ``labels``."""
    found, chance, best = [], [], []
    for row in sample.split.asked:
        true = jaccard(labels[row], labels[sample.split.indexed])
        near = np.argsort(-jaccard(asking[row], labels[sample.split.indexed]), kind="stable")
        found.append(true[near[:K]].mean())
        chance.append(true.mean())
        best.append(np.sort(true)[-K:].mean())
    return (np.mean(found) - np.mean(chance)) / (np.mean(best) - np.mean(chance))


@pytest.fixture(scope="module")
def drawn(tmp_path_factory):
    """Layered art as files, with all its labels."""
    folder, art = tmp_path_factory.mktemp("layered"), layered(300, seed=3)
    items = []
    for number, (cells, has) in enumerate(zip(art.pictures, art.labels, strict=True)):
        path = folder / f"{number}.png"
        Image.fromarray(cells.reshape(SIDE, SIDE, 3)).save(path)
        traits = [VOCABULARY[column] for column in np.flatnonzero(has).tolist()]
        items.append(Item("faces", f"{number:03}", Picture("file", str(path)), tuple(traits)))
    catalog = Catalog.from_items(items)
    split = Split.draw(catalog.collection_codes, 0.2)
    return art, Sample(catalog, np.arange(len(items)), split, K)


def test_the_ceiling_is_that_of_asking_with_what_was_not_covered(drawn):
    art, sample = drawn
    order = [int(token) for token in sample.catalog.column("token_id").to_pylist()]
    labels, seen = art.labels[order], (art.labels & ~art.covered)[order]
    ceiling = visible_ceiling(sample)
    assert list(ceiling) == ["faces"]
    assert ceiling["faces"] == pytest.approx(scanned(sample, seen, labels), abs=1e-9)
    assert 0.5 < ceiling["faces"] < scanned(sample, labels, labels) == pytest.approx(1)


def test_collections_without_enough_labels_have_no_ceiling(drawn):
    _, sample = drawn
    bare = sample.catalog.with_columns(traits=[[]] * len(sample.catalog))
    assert visible_ceiling(Sample(bare, sample.rows, sample.split, K)) == {}
