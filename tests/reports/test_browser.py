"""The page in a real browser without network: no error, no request, search works, contrast and structure hold."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from speechrnn.reports.page import render
from speechrnn.reports.provenance import Provenance
from speechrnn.scoring.results import Evaluation

CHROMIUM = next((found for name in ("chromium", "chromium-browser", "google-chrome") if (found := shutil.which(name))), None)

# Contrast of text and ground by selector, as WCAG 2 defines it.
CONTRAST = """
(selectors) => {
  const parts = (color) => color.match(/[\\d.]+/g).map(Number);
  const linear = (value) => (value / 255 <= 0.03928 ? value / 255 / 12.92 : ((value / 255 + 0.055) / 1.055) ** 2.4);
  const luminance = (color) => {
    const [red, green, blue] = parts(color).map(linear);
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  };
  const ground = (element) => {
    for (; element; element = element.parentElement) {
      const color = getComputedStyle(element).backgroundColor;
      if ((parts(color)[3] ?? 1) > 0) return color;
    }
    return "rgb(255, 255, 255)";
  };
  return selectors.map((selector) => {
    const element = document.querySelector(selector);
    const both = [luminance(getComputedStyle(element).color), luminance(ground(element))];
    return [selector, (Math.max(...both) + 0.05) / (Math.min(...both) + 0.05)];
  });
}
"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    if CHROMIUM is None:
        pytest.skip("no Chromium on this machine (Debian: apt-get install chromium)")
    with sync_api.sync_playwright() as playwright:
        launched = playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
        )
        yield launched
        launched.close()


@pytest.fixture
def opened(browser: Any, tmp_path: Path) -> Iterator[Any]:
    """A function that opens a page and checks, at the end, that nothing went wrong in it."""
    context = browser.new_context(viewport={"width": 1200, "height": 900})
    page = context.new_page()
    complaints: list[str] = []
    requests: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("dialog", lambda dialog: complaints.append(dialog.message))
    page.on("request", lambda request: requests.append(request.url))

    def open_page(html: str) -> Any:
        path = tmp_path / "report.html"
        path.write_text(html, encoding="utf-8")
        page.goto(path.as_uri())
        return page

    yield open_page
    assert complaints == []
    assert len(requests) == 1, "only the page itself is asked for"
    context.close()


def test_search_narrows_the_utterances(opened: Any, evaluation: Evaluation, provenance: Provenance) -> None:
    page = opened(render(evaluation, provenance))
    rows = page.locator(".utterances > li")
    assert rows.count() == 3
    for wanted, left in [("mat", 1), ("WÁ O", 1), ("wa\u0301o", 1), ("u", 3), ("on the mat", 1), ("zebra", 0), ("", 3)]:
        page.get_by_label("Find").fill(wanted)
        assert page.locator(".utterances > li:visible").count() == left, wanted
    page.get_by_label("Find").fill("mat")
    assert page.locator("#found").inner_text() == "1 of 3"


def test_the_keyboard_reaches_search_and_details(opened: Any, evaluation: Evaluation, provenance: Provenance) -> None:
    page = opened(render(evaluation, provenance))
    reached = set()
    for _ in range(15):
        page.keyboard.press("Tab")
        reached.add(page.evaluate("document.activeElement.id || document.activeElement.tagName"))
    assert {"find", "SUMMARY", "A"} <= reached


def test_hostile_texts_run_nothing(opened: Any, hostile: Evaluation, provenance: Provenance) -> None:
    page = opened(render(hostile, provenance))
    assert page.title() != "owned"
    assert "<script>" in page.title(), "shown as the text it is"
    assert page.locator("img").count() == 0
    assert page.evaluate("JSON.parse(document.getElementById('scores').textContent).version") == 1


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_stands_out_from_its_ground(opened: Any, scheme: str, evaluation: Evaluation, provenance: Provenance) -> None:
    page = opened(render(evaluation, provenance))
    page.emulate_media(color_scheme=scheme)
    ratios = page.evaluate(
        CONTRAST, ["body", ".quiet", ".c.sub .h", ".c.del .r", ".c.ins .h", "nav a", "thead th", ".c .h", "summary"]
    )
    assert [(selector, ratio) for selector, ratio in ratios if ratio < 4.5] == []


@pytest.mark.parametrize("width", [380, 1200])
def test_the_page_never_scrolls_sideways(width: int, opened: Any, evaluation: Evaluation, provenance: Provenance) -> None:
    page = opened(render(evaluation, provenance))
    page.set_viewport_size({"width": width, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_print_leaves_out_what_needs_a_screen(opened: Any, evaluation: Evaluation, provenance: Provenance) -> None:
    page = opened(render(evaluation, provenance))
    page.emulate_media(media="print")
    assert page.locator("nav").is_hidden()
    assert page.locator("#find").is_hidden()
    assert page.locator(".utterances > li:visible").count() == 3
