"""The page in a real browser on a real server: a file goes in, an answer comes out."""

import csv
import io
import os
import re
import shutil
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import pytest
from app_page import HOSTILE, long_gif
from PIL import Image
from test_cli_app import ROOT, answered, options

from simsearch.panels.example import example_picture

playwright = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed")
BROWSER = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), ""
)
pytestmark = pytest.mark.skipif(not BROWSER, reason="no Chromium on this machine")
expect = playwright.expect
UPLOADER = '[data-testid="stFileUploader"] input[type="file"]'


@contextmanager
def served(index, folder):
    """The address of a server of its own that shows an index, started in a folder."""
    port = options()["server.port"]
    command = [sys.executable, "-m", "simsearch", "app", "--port", str(port)]
    server = subprocess.Popen(
        [*command, "--index", str(index)],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stderr=subprocess.DEVNULL,
    )
    try:
        assert answered(f"http://127.0.0.1:{port}/_stcore/health") == "ok"
        yield f"http://127.0.0.1:{port}/"
    finally:
        server.terminate()
        server.wait(timeout=30)


@pytest.fixture(scope="module")
def address(sample_index, tmp_path_factory):
    """The page of the sample index."""
    with served(sample_index.folder, tmp_path_factory.mktemp("anywhere")) as url:
        yield url


@pytest.fixture(scope="module")
def browser():
    with playwright.sync_playwright() as driver:
        found = driver.chromium.launch(executable_path=BROWSER, args=["--no-sandbox"])
        yield found
        found.close()


@pytest.fixture
def visit(browser, address):
    """Opens the page; whatever leaves this machine, or is said on the console, fails the test."""
    seen, windows = [], []

    def opened(query="", width=1280, scheme="light"):
        window = browser.new_context(
            viewport={"width": width, "height": 900}, color_scheme=scheme, accept_downloads=True
        )
        windows.append(window)
        page = window.new_page()
        page.set_default_timeout(60_000)
        expect.set_options(timeout=60_000)
        page.on("request", lambda one: seen.append(one.url) if strange(one.url, address) else None)
        page.on("console", lambda one: seen.append(one.text) if one.type == "error" else None)
        page.on("dialog", lambda one: seen.append(one.message))
        page.goto(address + query)
        page.locator(".brand").wait_for()
        return page

    yield opened
    for window in windows:
        window.close()
    assert not seen


def strange(url, address):
    return not url.startswith((address, address.replace("http", "ws"), "data:", "blob:"))


def upload(page, *files):
    """Choose files as the uploader's dialog would."""
    payload = [{"name": name, "mimeType": "image/png", "buffer": data} for name, data in files]
    page.locator(UPLOADER).set_input_files(payload)


def settle(page):
    """Wait until the page is drawn to its end, and nothing more is on its way."""
    drawn = page.locator('.stApp[data-test-script-state="notRunning"]')
    drawn.wait_for(state="attached")
    page.wait_for_timeout(500)
    drawn.wait_for(state="attached")


def taken(page, name):
    """The file of a button; a click beside a menu that is still open may only close the menu."""
    for attempt in range(3):
        try:
            with page.expect_download(timeout=20_000) as caught:
                page.get_by_role("button", name=name, exact=True).click()
            return Path(caught.value.path())
        except playwright.TimeoutError:
            if attempt == 2:
                raise
    raise AssertionError(name)


def similarities(page):
    return page.locator('.line [title="similarity"]')


def test_a_picture_is_dropped_answered_followed_filtered_and_taken_along(visit, tmp_path):
    page = visit()
    upload(page, ("mine.png", example_picture()))
    expect(page.locator(".name")).to_have_text("mine.png")
    expect(similarities(page)).to_have_count(10)
    settle(page)
    assert page.locator(".facts .large").first.inner_text().startswith("Tea Party")
    assert re.fullmatch(r"\d+%", page.locator(".traits .sure").first.inner_text().strip())
    width = page.locator(".traits .bar i").first.evaluate("bar => bar.offsetWidth")
    assert 28 <= width <= 56, "surer than even, and no longer than its frame"

    first = page.locator(".st-key-card0 b").inner_text()
    page.get_by_role("button", name="Search by this").first.click()
    expect(page.locator(".name")).to_have_text(re.compile(f"/{re.escape(first)}$"))
    key = page.locator(".name").inner_text()
    expect(page).to_have_url(re.compile(rf"item={key.replace('/', '(/|%2F)')}"))

    page.get_by_role("button", name="Filters").click()
    page.get_by_role("combobox", name="Collection").fill("masks")
    page.get_by_role("option", name="masks").click()
    expect(page.locator(".st-key-found p").first).to_have_text("10 nearest of 40 items")
    expect(page).to_have_url(re.compile("collection=masks"))
    page.keyboard.press("Escape")
    settle(page)

    rows = list(csv.DictReader(io.StringIO(taken(page, "CSV").read_text())))
    shown = similarities(page).all_inner_texts()
    assert [f"{1 - float(row['distance']):.3f}" for row in rows] == shown
    assert {row["collection"] for row in rows} == {"masks"}
    with Image.open(taken(page, "PNG")) as sheet:
        assert sheet.format == "PNG"
        assert sheet.width > 1000


def test_what_is_linked_to_is_what_opens(visit):
    page = visit("?item=teapots/7&k=4&balance=90&collection=teapots")
    expect(page.locator(".name")).to_have_text("teapots/7")
    expect(similarities(page)).to_have_count(4)
    expect(page.locator(".st-key-found p").first).to_have_text("4 nearest of 19 items")


def test_hostile_files_get_a_line_each_and_the_page_lives_on(visit, tmp_path):
    page = visit()
    for name, (data, reason) in HOSTILE.items():
        if len(data) > 32 * 2**20:
            continue
        upload(page, (name, data))
        expect(page.locator(".notice.error").first).to_contain_text(f"{name}: ")
        expect(page.locator(".notice.error").first).to_contain_text(reason)
    large = tmp_path / "large.png"
    large.write_bytes(HOSTILE["large.png"][0])
    page.locator(UPLOADER).set_input_files(large)
    expect(page.get_by_text("File must be 32.0MB or smaller")).to_be_visible()
    upload(page, ("long.gif", long_gif()))
    expect(similarities(page)).to_have_count(10)
    expect(page.locator(".name")).to_have_text("long.gif")
    assert "Traceback" not in page.content()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_fits_a_phone_in_both_themes(visit, scheme):
    page = visit("?item=masks/mask-0007", width=390, scheme=scheme)
    expect(similarities(page)).to_have_count(10)
    wide = page.eval_on_selector(
        ".stMain", "main => [main.scrollWidth, main.clientWidth, innerWidth]"
    )
    assert wide == [390, 390, 390]
    shown = page.eval_on_selector(".stApp", "app => getComputedStyle(app).backgroundColor")
    red = int(re.findall(r"\d+", shown)[0])
    assert red > 200 if scheme == "light" else red < 60
    settle(page)
    boxes = "cards => cards.map(card => card.getBoundingClientRect()).map(b => [b.top, b.height])"
    left, right = page.locator('[class*="st-key-card"]').evaluate_all(boxes)[:2]
    assert left == right


def test_everything_is_reached_with_the_keyboard(visit):
    page = visit()
    button = page.get_by_role("button", name="Random item")
    button.wait_for()
    settle(page)
    reached = []
    while len(reached) < 30 and not button.evaluate("one => one === document.activeElement"):
        page.keyboard.press("Tab")
        reached.append(page.evaluate("() => document.activeElement.innerText"))
    page.keyboard.press("Enter")
    expect(similarities(page)).to_have_count(10)
    expect(page).to_have_url(re.compile("item="))
    assert {"Search", "upload\n\nUpload"} <= set(reached)
