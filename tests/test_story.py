"""The whole way: a picture is read, becomes a vector, finds its neighbours and their last prices.

The collections are generated, so that every answer is known beforehand: which picture it is, which
items share its traits, and what each last sold for.
"""

import csv
import datetime as dt
import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from simsearch.answer import Answer
from simsearch.building import builder
from simsearch.building.builder import BuildConfig
from simsearch.building.encoding import Encoding
from simsearch.building.fitting import Fitting
from simsearch.encoders import load_encoder
from simsearch.engine import SearchEngine
from simsearch.filters import Filter
from simsearch.sample import DESIGNS, SamplePlan, write_sample
from simsearch.sources import PictureReader, SourceContents, read_sources

NAMES = ("moths", "chairbots", "lighthouses")
ASKING = 10
"""Items of each collection that are left out of the index, and ask."""


class Story:
    """A sample, an index of all but a few of its items, and the planted answers."""

    def __init__(self, folder: Path) -> None:
        self.source = folder / "sample"
        self.plan: SamplePlan = write_sample(self.source, seed=11, size=120, collections=NAMES)
        everything = read_sources([self.source], strict=True)
        self.items = {item.key: item for item in everything.items}
        self.asking = [
            f"{name}/{token}"
            for name in NAMES
            for token in self.plan.collections[name].items[-ASKING:]
        ]
        kept = [item for item in everything.items if item.key not in self.asking]
        encoder = load_encoder("vgg16-nft", threads=1)
        config = BuildConfig(folder / "index", Fitting.of(encoder), Encoding(encoder, workers=2))
        contents = SourceContents(kept, everything.sales, everything.names, [])
        self.result = builder.build(contents, config)
        self.engine = SearchEngine.open(folder / "index")

    def bytes_of(self, key: str) -> bytes:
        """The picture as people see it, on its background, as a PNG file."""
        with PictureReader() as reader:
            rgb = reader.read(self.items[key].picture).rgb()
        stream = io.BytesIO()
        Image.fromarray(rgb).save(stream, "PNG")
        return stream.getvalue()

    def ask(self, key: str, **options) -> Answer:
        return self.engine.answer(self.engine.read(self.bytes_of(key), key), **options)

    def last_sale(self, key: str) -> tuple[float, str, dt.date] | None:
        """The last honest sale by the file and the plan alone: price, currency, day."""
        name, token = key.split("/")
        washed = {sale.line for sale in self.plan.collections[name].wash}
        with (self.source / name / "sales.csv").open(newline="") as file:
            rows = list(enumerate(csv.DictReader(file), start=2))
        own = [(row, line) for line, row in rows if row["token_id"] == token and line not in washed]
        last = max(own, key=lambda pair: (pair[0]["date"], pair[1]), default=None)
        if last is None:
            return None
        row = last[0]
        return float(row["price"]), row["currency"], dt.date.fromisoformat(row["date"])


@pytest.fixture(scope="module")
def story(tmp_path_factory) -> Story:
    return Story(tmp_path_factory.mktemp("story"))


def test_a_picture_finds_itself_and_what_it_last_sold_for(story):
    sold = 0
    for name in NAMES:
        for token in story.plan.collections[name].items[:20]:
            key = f"{name}/{token}"
            first = story.ask(key, k=1, balance=0.0).neighbors[0]
            assert first.distance == 0
            assert story.bytes_of(key) == story.bytes_of(first.key)
            planted, found = story.last_sale(first.key), first.last_sale
            assert (found is None) == (planted is None)
            if planted is not None:
                sold += 1
                assert (found.price, found.currency, found.date) == planted
    assert sold > 20


def test_the_planted_price_level_shows_in_the_answer(story):
    """An honest sale is the planted worth of its traits on its day, but for the planted noise."""
    errors = []
    for key in story.asking:
        name = key.split("/")[0]
        planted = story.plan.collections[name]
        for one in story.ask(key, k=10).neighbors:
            if one.last_sale and one.last_sale.currency == planted.currency:
                worth = planted.log_worth(one.traits, one.last_sale.date)
                errors.append((np.log(one.last_sale.price) - worth) / planted.sigma)
    assert len(errors) > 100
    assert abs(np.mean(errors)) < 0.5
    assert np.std(errors) == pytest.approx(1, abs=0.35)


def test_a_picture_not_in_the_index_finds_its_own_collection(story):
    for key in story.asking:
        found = story.ask(key, k=10).neighbors
        assert {one.collection for one in found} == {key.split("/")[0]}


def overlap(left, right) -> float:
    return len(set(left) & set(right)) / len(set(left) | set(right))


@pytest.mark.parametrize("name", NAMES)
def test_search_by_traits_finds_the_items_that_share_most(story, name):
    """On the scale from random, 0, to the best that the index holds, 1."""
    asking = [key for key in story.asking if key.startswith(name)]
    indexed = [one for one in story.items.values() if one.collection == name]
    indexed = [one for one in indexed if one.key not in asking]
    scores = []
    for key in asking:
        own = story.items[key].traits
        every = sorted((overlap(own, one.traits) for one in indexed), reverse=True)
        found = [overlap(own, one.traits) for one in story.ask(key, k=5, balance=0.9).neighbors]
        random, best = np.mean(every), np.mean(every[:5])
        scores.append((np.mean(found) - random) / (best - random))
    assert np.mean(scores) > 0.75


def test_a_question_can_be_narrowed_to_a_trait_and_a_price(story):
    key = story.asking[0]
    name = key.split("/")[0]
    kind = DESIGNS[name].slots[0].trait_type
    trait = next(one for one in story.items[key].traits if one[0] == kind)
    currency = story.plan.collections[name].currency
    priced = {one: story.last_sale(one) for one in story.items if one not in story.asking}
    prices = sorted(sale[0] for sale in priced.values() if sale and sale[1] == currency)
    low, high = prices[len(prices) // 4], prices[3 * len(prices) // 4]
    only = Filter((name,), (trait,), low, high, currency)
    expected = {
        one
        for one, sale in priced.items()
        if sale and sale[1] == currency and low <= sale[0] <= high
        if one.startswith(name + "/") and trait in story.items[one].traits
    }
    found = story.ask(key, k=200, only=only).neighbors
    assert {one.key for one in found} == expected
    assert len(expected) > 3
