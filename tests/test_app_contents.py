"""The index on the page, without a browser: what is in it, and adding to it."""

import io
import shutil
import zipfile

import pytest
from app_page import faults, html, opened

from simsearch.engine import SearchEngine
from simsearch.panels import contents
from simsearch.panels.jobs import BENCH
from simsearch.sales.table import SalesTable
from simsearch.store.manifest import Manifest
from simsearch.store.places import ALLOW_VARIABLE

SECONDS = 120


@pytest.fixture(autouse=True)
def bench():
    yield
    if BENCH.current is not None:
        BENCH.current.wait(SECONDS)
    BENCH.forget("add")


@pytest.fixture
def archive(sample_index):
    """Two pictures and a file that is none, packed."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as made:
        for picture in sorted((sample_index.sources / "teapots" / "images").iterdir())[:2]:
            made.write(picture, picture.name)
        made.writestr("<b>broken.png", b"no picture")
    return buffer.getvalue()


def added(page):
    """The page after the job has ended."""
    assert BENCH.last("add").wait(SECONDS)
    return page.run()


def test_what_is_in_it(sample_index, monkeypatch):
    page = opened(sample_index.folder, monkeypatch, panel="Index")
    assert not faults(page)
    manifest = Manifest.read(sample_index.folder)
    sales = SalesTable.read(sample_index.folder / "sales.parquet").table.to_pylist()
    for name, count in (("items", manifest.items), ("sales", manifest.sales)):
        assert f"<b>{count:,}</b>{name}" in html(page)
    table = page.dataframe[0].value.set_index("collection")
    assert table["items"].to_dict() == dict(manifest.collections)
    assert table["name"]["teapots"] == "Tea Party"
    for name in manifest.collections:
        own = [sale for sale in sales if sale["collection"] == name]
        assert table["sales"][name] == len(own)
        assert table["first"][name] == min(sale["date"] for sale in own)
        assert table["last"][name] == max(sale["date"] for sale in own)
        assert table["currencies"][name] == ", ".join(sorted({sale["currency"] for sale in own}))
    left = page.dataframe[1].value
    assert dict(zip(left["reason"], left["sales"], strict=True)) == dict(manifest.excluded)
    assert manifest.encoder.weights_sha256[:16] in html(page)


def test_with_traits_counts_items(sample_index, monkeypatch):
    page = opened(sample_index.folder, monkeypatch, panel="Index")
    catalog = SearchEngine.open(sample_index.folder).catalog
    known = sum(bool(catalog.traits(row)) for row in range(len(catalog)))
    assert page.dataframe[0].value["with traits"].sum() == known


def test_an_archive_is_added_and_the_page_shows_it(own_index, monkeypatch, archive):
    page = opened(own_index, monkeypatch, panel="Index")
    page.file_uploader(key="add-zip").upload("More <Pots>.zip", archive, "application/zip").run()
    (name,) = [one for one in page.text_input if one.label == "Collection"]
    assert name.value == "more-pots"
    page.button(key="start/add").click().run()
    page = added(page)
    assert not faults(page)
    assert f"The index now holds {Manifest.read(own_index).items:,} items" in html(page)
    assert "1 skipped" in html(page)
    assert page.dataframe[0].value.set_index("collection")["items"]["more-pots"] == 2
    catalog = SearchEngine.open(own_index).catalog
    kept = catalog.picture(len(catalog) - 1)
    assert kept.path.startswith(str(own_index.parent / ".index.uploads"))
    skipped = page.dataframe[2].value
    (source,) = skipped["source"]
    assert source.endswith("/more-pots.zip:<b>broken.png")
    assert str(own_index.parent) not in skipped.to_csv()


def test_every_reason_can_be_chosen(own_index, monkeypatch, archive):
    page = opened(own_index, monkeypatch, panel="Index")
    assert "Nothing was skipped." in html(page)
    page.file_uploader(key="add-zip").upload("a.zip", archive, "application/zip").run()
    page.button(key="start/add").click().run()
    page = added(page)
    for reason in ("not-an-image", contents._EVERY):
        page.selectbox(key="reason").set_value(reason).run()
        assert not faults(page)
        assert page.dataframe[2].value["reason"].tolist() == ["not-an-image"]


@pytest.mark.parametrize(
    ("data", "line"),
    [(b"<html>", "no zip archive"), (b"", "no zip archive"), ("empty", "holds no pictures")],
)
def test_what_cannot_be_added_is_one_line_and_leaves_nothing(own_index, monkeypatch, data, line):
    if data == "empty":
        buffer = io.BytesIO()
        zipfile.ZipFile(buffer, "w").close()
        data = buffer.getvalue()
    before = Manifest.read(own_index).build_id
    page = opened(own_index, monkeypatch, panel="Index")
    page.file_uploader(key="add-zip").upload("bad.zip", data, "application/zip").run()
    page.button(key="start/add").click().run()
    (said,) = faults(added(page))
    assert line in said
    assert Manifest.read(own_index).build_id == before
    uploads = own_index.parent / ".index.uploads"
    assert not uploads.exists() or list(uploads.iterdir()) == []


def test_a_name_that_leads_elsewhere_is_refused(own_index, monkeypatch, archive):
    page = opened(own_index, monkeypatch, panel="Index")
    page.file_uploader(key="add-zip").upload("a.zip", archive, "application/zip").run()
    (name,) = [one for one in page.text_input if one.label == "Collection"]
    name.set_value("../../etc").run()
    page.button(key="start/add").click().run()
    (said,) = faults(added(page))
    assert "is no id of a collection" in said


def test_no_folder_is_offered_unless_it_is_allowed(sample_index, monkeypatch):
    monkeypatch.delenv(ALLOW_VARIABLE, raising=False)
    page = opened(sample_index.folder, monkeypatch, panel="Index")
    page.segmented_control(key="add-way").set_value("Folder").run()
    assert not faults(page)
    assert "No folder may be added from here." in html(page)
    assert not [one for one in page.selectbox if one.label == "Folder"]


def test_an_allowed_folder_is_added(own_index, sample_index, monkeypatch, tmp_path):
    shutil.copytree(sample_index.sources / "teapots" / "images", tmp_path / "allowed" / "pots")
    monkeypatch.setenv(ALLOW_VARIABLE, str(tmp_path / "allowed"))
    page = opened(own_index, monkeypatch, panel="Index")
    page.segmented_control(key="add-way").set_value("Folder").run()
    page.selectbox(key="add-folder").set_value(tmp_path / "allowed" / "pots").run()
    page.button(key="start/add").click().run()
    page = added(page)
    assert not faults(page)
    count = len(list((tmp_path / "allowed" / "pots").iterdir()))
    assert page.dataframe[0].value.set_index("collection")["items"]["pots"] == count


@pytest.mark.parametrize(
    ("address", "allowed", "offered"),
    [
        ("127.0.0.1", False, True),
        ("0.0.0.0", False, False),
        (None, False, False),
        ("192.0.2.1", True, True),
    ],
)
def test_strangers_add_nothing_unless_it_is_allowed(
    sample_index, monkeypatch, tmp_path, address, allowed, offered
):
    monkeypatch.setenv(ALLOW_VARIABLE, str(tmp_path) if allowed else "")
    monkeypatch.setattr(contents.st, "get_option", {"server.address": address}.get)
    page = opened(sample_index.folder, monkeypatch, panel="Index")
    assert not faults(page)
    assert len(page.file_uploader) == offered
    assert ("This server listens to a network" in html(page)) != offered
