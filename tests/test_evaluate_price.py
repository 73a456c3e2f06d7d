"""``evaluate price`` from the command line: keys, pages, odd markets, nothing of the future."""

import csv
import datetime as dt
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from threadpoolctl import threadpool_limits

from simsearch.cli import run
from simsearch.engine import SearchEngine
from simsearch.evaluation.blocks import blocks_of_index, encoded_blocks, look_vectors
from simsearch.evaluation.price_markets import PricePlan, ledgers_of, markets_of, near_by_traits
from simsearch.evaluation.price_parts import Part
from simsearch.evaluation.price_result import evaluate_price, price_document
from simsearch.pages.price import price_page
from simsearch.pages.price_tables import amount, answers
from simsearch.pricing.levels import SaleHistory

MODELS = {
    *("global_median", "past_median", "trailing_median", "own_last_sale", "trait_ridge"),
    *("neighbor_mean", "simsearch", "simsearch_shuffled", "simsearch_no_own"),
    *("simsearch_no_traits", "simsearch_comparables", "simsearch_no_hygiene"),
    "trailing_median_no_hygiene",
}
MEASURES = "mdape ppe5 ppe10 ppe20 male rmsle r2_log r2_floor spearman bias answered skill"


@pytest.fixture(autouse=True)
def few_threads():
    """Small tables gain nothing from threads that wait for each other."""
    with threadpool_limits(1):
        yield


def said(capsys, *args):
    """What a run of the command prints as JSON."""
    capsys.readouterr()
    assert run(["evaluate", "price", "--json", *map(str, args)]) == 0
    return json.loads(capsys.readouterr().out)


def test_the_document_holds_the_keys_of_the_contract(sample_index, capsys):
    found = said(capsys, "--index", sample_index.folder, "--from", "2022-10-01", "--no-parts")
    assert found["test"]["from"] == "2022-10-01"
    assert set(found["test"]) >= {"from", "until", "n"}
    assert set(found["models"]) == MODELS
    assert all(set(row) == set(MEASURES.split()) for row in found["models"].values())
    assert set(found["intervals"]) == {"0.8", "0.9"}
    assert all(set(one) == {"coverage", "width", "winkler"} for one in found["intervals"].values())
    low, high = found["skill_interval"]
    assert low < found["models"]["simsearch"]["skill"] < high
    tested = {name: row["tested"] for name, row in found["collections"].items()}
    assert sum(tested.values()) == found["test"]["n"]
    assert {row["currency"] for row in found["collections"].values()} == {"ETH", "MATIC"}


def test_parts_are_compared_on_the_same_sales(sample_index, capsys):
    found = said(capsys, "--index", sample_index.folder, "--collection", "masks")
    rows = {(*row["pictures"], row["traits"], row["neighbors"]): row for row in found["parts"]}
    assert set(rows) == {
        *((False, "look"), ("grid", False, "look"), ("vgg16-nft", False, "look")),
        *(("grid", "vgg16-nft", False, "look"), (True, "traits"), ("grid", True, "look")),
        *(("grid", "vgg16-nft", True, "look"), ("grid", "vgg16-nft", True, "traits")),
    }
    for gain in found["gains"]:
        with_it = rows[*gain["beside"], gain["network"], gain["traits"], "look"]
        without = rows[*gain["beside"], gain["traits"], "look"]
        assert gain["skill_gain"] == pytest.approx(with_it["skill"] - without["skill"])
        assert gain["interval"][0] <= gain["skill_gain"] <= gain["interval"][1]
    assert [gain["traits"] for gain in found["gains"]] == [False, True]


def test_a_page_of_an_index(sample_index, tmp_path, capsys):
    page, place = tmp_path / "page", str(sample_index.folder)
    args = ["--index", place, "--from", "2022-12-01", "--no-hygiene", "--report", str(page)]
    assert run(["evaluate", "price", *args]) == 0
    out = capsys.readouterr().out
    assert "trailing median" in out
    assert "without it: " in out
    html = (page / "report.html").read_text(encoding="utf-8")
    assert f"simsearch evaluate price --index {place} --from 2022-12-01 --no-hygiene" in html
    for title in ("Models", "Error over time", "Coverage by width", "Sales hygiene", "Best cases"):
        assert f"<h2>{title}</h2>" in html
    assert ">nan<" not in html.lower()
    document = json.loads((page / "report.json").read_bytes())
    assert "simsearch_with_hygiene" in document["models"]
    for name in ("estimated-and-paid-eth.png", "estimated-and-paid-matic.png", "models.csv"):
        assert (page / name).exists()
    with (page / "estimates.csv").open(encoding="utf-8") as lines:
        rows = list(csv.DictReader(lines))
    assert len(rows) == document["test"]["n"]
    paid = np.array([float(row["paid"]) for row in rows])
    estimate = np.array([float(row["estimate"]) for row in rows])
    error = np.abs(np.log(estimate / paid)).mean()
    assert error == pytest.approx(document["models"]["simsearch"]["male"])


def test_hygiene_on_and_off_stand_side_by_side(sample_index, capsys):
    place = sample_index.folder
    common = ("--index", place, "--no-parts", "--collection", "teapots")
    on, off = said(capsys, *common), said(capsys, *common, "--no-hygiene")
    assert on["test"] == off["test"]
    for model in ("trailing_median", "simsearch"):
        for switch, run_with, run_without in (("on", on, off), ("off", off, on)):
            other = run_without["by_hygiene"][switch][model]
            assert run_with["models"][model]["male"] == other["male"]
    assert on["by_hygiene"]["on"]["intervals"] == on["intervals"]
    assert on["models"]["simsearch"]["male"] != off["models"]["simsearch"]["male"]


def test_encoders_are_compared(sample_index, capsys):
    args = ("--index", sample_index.folder, "--collection", "teapots")
    found = said(capsys, *args, "--encoder", "pixels,vgg16-nft")
    assert found["encoder"] == "pixels"
    assert ["pixels"] in [row["pictures"] for row in found["parts"]]
    networks = {(gain["network"], *gain["beside"]) for gain in found["gains"]}
    assert networks == {("vgg16-nft", "pixels")}
    alone = said(capsys, *args, "--encoder", "pixels")
    assert alone["models"]["simsearch"] == found["models"]["simsearch"]
    assert alone["gains"] == []


def test_weights_that_are_not_at_hand_leave_an_encoder_out(sample_index, capsys, monkeypatch):
    monkeypatch.setattr("simsearch.weights._fetch", refuse, raising=False)
    args = ("--index", str(sample_index.folder), "--collection", "teapots")
    missing = ("--weights", "none-here.safetensors")
    found = said(capsys, *args, "--encoder", "vgg16-nft,vgg16", *missing)
    (line,) = [note for note in found["notes"] if note.startswith("vgg16 is left out")]
    assert "\n" not in line
    assert run(["evaluate", "price", *args, "--encoder", "vgg16", *missing]) == 1
    assert "none-here" in capsys.readouterr().err


def refuse(*_):
    raise AssertionError("nothing may be fetched")


def test_encoding_afresh_gives_what_the_index_holds(sample_index):
    engine = sample_index.engine
    rows = np.arange(5, 60)
    kept, made = blocks_of_index(engine), encoded_blocks(engine, engine.encoder, rows)
    for old, new in zip(kept, made, strict=True):
        assert (old.name, old.kind, old.start, old.stop) == (
            new.name,
            new.kind,
            new.start,
            new.stop,
        )
        assert new.rows(rows[3:9]) == pytest.approx(old.rows(rows[3:9]), abs=2e-3)


def test_a_space_is_fitted_on_the_rows_that_are_given_alone(sample_index):
    blocks = blocks_of_index(sample_index.engine)
    one = look_vectors(blocks, np.arange(40), 0)
    assert np.linalg.norm(one, axis=1) == pytest.approx(np.ones(40), abs=1e-5)
    assert not np.allclose(one[:30, :5], look_vectors(blocks, np.arange(30), 0)[:, :5])


def test_neighbours_by_traits_are_those_of_a_full_scan():
    rng = np.random.default_rng(0)
    traits = (rng.random((60, 9)) < 0.4).astype(np.float32)
    vectors = rng.normal(size=(60, 5)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    found = near_by_traits(vectors, traits, 7)
    for item in range(60):
        both = np.minimum(traits, traits[item]).sum(axis=1)
        either = np.maximum(traits, traits[item]).sum(axis=1)
        apart = 0.9 * (1 - both / np.maximum(either, 1)) + 0.1 * (1 - vectors @ vectors[item])
        assert found.distances[item] == pytest.approx(np.sort(apart)[:7], abs=1e-5)
        assert apart[found.ids[item]] == pytest.approx(found.distances[item], abs=1e-5)


# Markets of every kind, from a folder to the numbers.


HEADER = "token_id,date,price,currency,seller,buyer\n"


def folder(place: Path, sales: str, items: int = 8) -> Path:
    """A collection folder of random pictures with these sales (``token,date,price,currency``)."""
    (place / "images").mkdir(parents=True)
    rng = np.random.default_rng(0)
    for number in range(items):
        pixels = rng.integers(0, 255, (16, 16, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(place / "images" / f"{number}.png")
    columns = "\n".join(f'{name} = "{name}"' for name in HEADER.strip().split(",")[1:])
    (place / "collection.toml").write_text(
        f'name = "Odd"\n[images]\nfolder = "images"\n[sales]\nfile = "sales.csv"\n'
        f'id = "token_id"\n{columns}\n'
    )
    lines = [f"{line},s{n},b{n}\n" for n, line in enumerate(sales.split())]
    (place / "sales.csv").write_text(HEADER + "".join(lines))
    return place


def index_of(place: Path) -> str:
    out = str(place.parent / f"{place.name}-index")
    assert run(["index", "build", str(place), "--out", out, "--encoder", "pixels"]) == 0
    return out


def sales_text(count, price=lambda n: 1 + n % 3, currency=lambda n: "ETH", start="2022-01-01"):
    first = dt.date.fromisoformat(start)
    return " ".join(
        f"{n % 8},{first + dt.timedelta(days=2 * n)},{price(n)},{currency(n)}" for n in range(count)
    )


@pytest.mark.parametrize(
    ("sales", "args"),
    [
        ("3,2022-05-05,2.5,ETH", ["--from", "2022-01-01"]),
        (sales_text(30, price=lambda n: 7), []),
        (" ".join(reversed(sales_text(30).split())), []),
        (sales_text(12, start="2090-01-01"), []),
        (sales_text(30, price=lambda n: 0 if n % 2 else 3), []),
        (sales_text(30, price=lambda n: 1e-9), ["--from", "2022-01-01"]),
    ],
    ids=["single", "one-price", "unsorted", "future", "zeros", "dust"],
)
def test_odd_sales_give_numbers_null_or_one_line(sales, args, tmp_path, capsys):
    place = index_of(folder(tmp_path / "odd", sales))
    capsys.readouterr()
    report = tmp_path / "report"
    args = ["--index", place, *args, "--no-parts", "--report", str(report), "--json"]
    code = run(["evaluate", "price", *args])
    out, err = capsys.readouterr()
    if code == 1:
        assert "no sale at 0.01 or more" in err.splitlines()[-1]
        return
    assert code == 0
    document = json.loads(out, parse_constant=lambda name: pytest.fail(f"{name} in JSON"))
    assert document["test"]["n"] >= 1
    assert ">nan<" not in (report / "report.html").read_text(encoding="utf-8").lower()
    assert "nan" not in (report / "models.csv").read_text(encoding="utf-8").lower()


def test_a_single_sale_is_answered_by_nothing(tmp_path, capsys):
    place = index_of(folder(tmp_path / "odd", "3,2022-05-05,2.5,ETH"))
    found = said(capsys, "--index", place, "--from", "2022-01-01", "--no-parts")
    assert found["test"]["n"] == 1
    assert found["models"]["simsearch"]["answered"] == 0
    assert found["models"]["simsearch"]["skill"] is None
    assert found["skill_interval"] is None
    assert found["intervals"]["0.8"] == {"coverage": None, "width": None, "winkler": None}


def test_a_single_item_is_priced_by_its_own_sales(tmp_path, capsys):
    sales = " ".join(f"0,2022-01-{day:02},{1 + day / 100},ETH" for day in range(1, 29))
    place = index_of(folder(tmp_path / "odd", sales, items=1))
    found = said(capsys, "--index", place, "--from", "2022-01-20", "--no-parts")
    assert found["models"]["simsearch"]["answered"] == 1
    assert found["models"]["simsearch"]["mdape"] < 0.2


def test_without_sales_there_is_one_line(tmp_path, capsys):
    place = index_of(folder(tmp_path / "odd", ""))
    capsys.readouterr()
    assert run(["evaluate", "price", "--index", place]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert "no sale in this index" in line


def test_currencies_are_never_mixed_and_left_out_ones_are_counted(tmp_path, capsys):
    mixed = sales_text(30, price=lambda n: 9000 if n % 5 == 0 else 2, currency=of_two)
    place = index_of(folder(tmp_path / "odd", mixed))
    found = said(capsys, "--index", place, "--no-parts")
    assert found["collections"]["odd"]["in_other_currencies"] == 6
    assert found["models"]["simsearch"]["mdape"] < 1e-6
    assert any("other currencies, left out: 6" in note for note in found["notes"])


def of_two(number):
    return "ETH" if number % 5 else "USDC"


def test_the_currency_is_that_of_the_time_before(tmp_path, capsys):
    early, late = sales_text(20), sales_text(60, currency=lambda n: "SOL", start="2022-06-01")
    place = index_of(folder(tmp_path / "odd", f"{early} {late}"))
    currencies = [
        said(capsys, "--index", place, "--no-parts", *more)["collections"]["odd"]["currency"]
        for more in ([], ["--from", "2022-02-01", "--until", "2022-03-01"])
    ]
    assert currencies == ["SOL", "ETH"]


def test_unknown_currencies_are_skipped_when_the_index_is_built(tmp_path, capsys):
    sales = sales_text(30, currency=lambda n: "unknown" if n == 4 else "ETH")
    place = index_of(folder(tmp_path / "odd", sales))
    assert said(capsys, "--index", place, "--no-parts")["collections"]["odd"]["sales"] == 29


@pytest.mark.parametrize(
    ("args", "code", "part"),
    [
        (["--collection", "nobody"], 2, "no collection 'nobody'"),
        (["--from", "yesterday"], 2, "write YYYY-MM-DD"),
        (["--from", "2022-05-01", "--until", "2022-04-01"], 2, "lies after --until"),
        (["--from", "2031-01-01"], 1, "choose other days"),
        (["--encoder", "resnet"], 2, "no encoder is called 'resnet'"),
    ],
)
def test_wrong_wishes_are_one_line(sample_index, args, code, part, capsys):
    assert run(["evaluate", "price", "--index", str(sample_index.folder), *args]) == code
    err = capsys.readouterr().err.splitlines()
    assert part in err[-1]
    assert "Traceback" not in "".join(err)


def test_equal_pictures_are_flagged(tmp_path, capsys):
    place = folder(tmp_path / "odd", sales_text(40))
    shutil.copyfile(place / "images" / "1.png", place / "images" / "2.png")
    report = tmp_path / "report"
    args = ["--index", index_of(place), "--no-parts", "--report", str(report)]
    found = said(capsys, *args)
    with (report / "estimates.csv").open(encoding="utf-8") as lines:
        rows = list(csv.DictReader(lines))
    flagged = {row["token_id"] for row in rows if row["same_picture_elsewhere"] == "True"}
    assert flagged == {"1", "2"}
    count = sum(row["token_id"] in flagged for row in rows)
    assert found["test"]["identical_pictures"] == count
    assert "of a picture that several tokens show" in (report / "report.html").read_text()


# Nothing from the future: from the sales file to the estimates.


def estimates(place: Path, tmp_path: Path, name: str, until: str) -> dict[tuple[str, ...], str]:
    """Every estimate of a test period up to a day, as text: sale → what was said before it."""
    report = tmp_path / f"report-{name}"
    index = index_of(place)
    args = ["--index", index, "--from", "2022-03-01", "--until", until, "--report", str(report)]
    assert run(["evaluate", "price", "--no-parts", *args]) == 0
    with (report / "estimates.csv").open(encoding="utf-8") as lines:
        rows = list(csv.DictReader(lines))
    said = ("estimate", "low", "high", "trailing_median")
    return {
        (row["token_id"], row["date"]): "/".join(row[column] for column in said) for row in rows
    }


CUT = "2022-08-01"


def market_text(change: str) -> str:
    """Sales of 8 items, one a day, with those from ``CUT`` on changed in one of three ways."""
    rng = np.random.default_rng(0)
    lines = []
    for number in range(240):
        day = dt.date(2022, 1, 1) + dt.timedelta(days=number)
        item, price = int(rng.integers(0, 8)), float(np.exp(rng.normal(0, 0.4)))
        late = str(day) >= CUT
        if late and change == "deleted" and number % 2:
            continue
        if late and change == "changed":
            price *= 50
        lines.append(f"{item},{day},{price:.6f},ETH")
        if late and change == "added":
            lines += [f"{n % 8},{day},{90 + n},SOL" for n in range(20)]
            lines.append(f"{(item + 1) % 8},{day},77,ETH")
    return " ".join(lines)


def differs(tmp_path: Path, change: str, usual: dict[tuple[str, ...], str]) -> bool:
    """Whether an estimate is another one where sales from ``CUT`` on are."""
    other = estimates(folder(tmp_path / change, market_text(change)), tmp_path, change, CUT)
    assert len(usual) > 120
    # On the last day itself sales may have gone; what is said of the others stays.
    return any(
        other.get(sale, text if sale[1] == CUT else "") != text for sale, text in usual.items()
    )


def usual_estimates(tmp_path: Path) -> dict[tuple[str, ...], str]:
    return estimates(folder(tmp_path / "usual", market_text("")), tmp_path, "usual", CUT)


def test_no_later_sale_changes_an_estimate(tmp_path):
    usual = usual_estimates(tmp_path)
    for change in ("changed", "added", "deleted"):
        assert not differs(tmp_path, change, usual), change


def sees_the_same_day(monkeypatch):
    """Siblings of the same day are seen."""
    monkeypatch.setattr(
        SaleHistory, "before", lambda self, day: int(np.searchsorted(self.day, day, side="right"))
    )


def currency_of_all(monkeypatch):
    """The currency is that of most sales, later ones included."""
    real = __import__("simsearch.pricing.appraisal", fromlist=["_main_currency"])
    choose = real._main_currency
    monkeypatch.setattr(real, "_main_currency", lambda sales, before: choose(sales, None))


@pytest.mark.parametrize("plant", [sees_the_same_day, currency_of_all])
def test_a_leak_that_is_planted_is_noticed(plant, tmp_path, monkeypatch):
    plant(monkeypatch)
    assert differs(tmp_path, "added", usual_estimates(tmp_path))


# What people read.


def test_amounts_have_three_digits():
    said = [amount(value) for value in (1234.5, 45.678, 0.012345, 1.0, 0.0)]
    assert said == ["1,234", "45.7", "0.0123", "1.00", "0"]


def test_the_answer_says_what_the_interval_allows(sample_index):
    engine = SearchEngine.open(sample_index.folder)
    plan = PricePlan(collection="teapots")
    seen = {"vgg16-nft": blocks_of_index(engine)}
    result = evaluate_price(engine, ledgers_of(engine, plan), plan, seen)
    (first, second) = answers(result)
    assert first.startswith("With vgg16-nft beside grid and without it: ")
    assert second.startswith("With vgg16-nft beside grid and traits and without it: ")
    assert Part(("grid", "vgg16-nft"), traits=False) in result.parts.estimates
    assert price_document(result)["encoder"] == "vgg16-nft"
    assert "teapots" in price_page(result, engine, "x", "typed").html()


def test_markets_see_items_as_the_index_prices_them(sample_index):
    engine = sample_index.engine
    plan = PricePlan()
    for one in markets_of(engine, ledgers_of(engine, plan), plan):
        members = one.ledger.members
        space = engine.desk.appraiser.space(one.market.name)
        assert np.array_equal(one.market.view.vectors, space.vectors)
        alone = look_vectors(blocks_of_index(engine), members, 0)
        assert np.array_equal(one.market.view.vectors, alone)
        sold = {engine.catalog.key(int(members[item])) for item in one.market.history.item}
        assert all(key.startswith(f"{one.market.name}/") for key in sold)
