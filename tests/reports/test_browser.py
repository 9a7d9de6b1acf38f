"""The page in a real browser without network: no error, no request, search works, contrast and structure hold."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright import sync_api

from speechrnn.reports.details import Detail
from speechrnn.reports.page import Extras, render
from speechrnn.reports.provenance import Provenance
from speechrnn.scoring.compare import compare
from speechrnn.scoring.results import Evaluation, Item, System

CHROMIUM = next((found for name in ("chromium", "chromium-browser", "google-chrome") if (found := shutil.which(name))), None)

# Contrast of text and ground by selector, as WCAG 2 defines it; half-transparent grounds lie over those behind them.
CONTRAST = """
(selectors) => {
  const parts = (color) => {
    const found = color.match(/[\\d.]+/g).map(Number);
    const rgb = found.slice(0, 3).map((value) => (color.startsWith("color(") ? 255 * value : value));
    return [...rgb, found[3] ?? 1];
  };
  const linear = (value) => (value / 255 <= 0.03928 ? value / 255 / 12.92 : ((value / 255 + 0.055) / 1.055) ** 2.4);
  const luminance = (color) => {
    const [red, green, blue] = color.map(linear);
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  };
  const ground = (element) => {
    const layers = [];
    for (; element; element = element.parentElement) layers.push(parts(getComputedStyle(element).backgroundColor));
    const over = (below, [r, g, b, a]) => [r, g, b].map((value, i) => a * value + (1 - a) * below[i]);
    return layers.reduceRight(over, [255, 255, 255]);
  };
  return selectors.map((selector) => {
    const element = document.querySelector(selector);
    const style = getComputedStyle(element);
    const ink = parts(element instanceof SVGElement ? style.fill : style.color).slice(0, 3);
    const both = [luminance(ink), luminance(ground(element))];
    return [selector, (Math.max(...both) + 0.05) / (Math.min(...both) + 0.05)];
  });
}
"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
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
    asked = [url for url in requests if not url.startswith("data:")]
    assert len(asked) == 1, "only the page itself is asked for"
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
    for _ in range(60):
        page.keyboard.press("Tab")
        reached.add(page.evaluate("document.activeElement.id || document.activeElement.tagName"))
    assert {"find", "filter", "sort", "SUMMARY", "A"} <= reached


def test_hostile_texts_run_nothing(opened: Any, hostile: Evaluation, provenance: Provenance) -> None:
    page = opened(render(hostile, provenance))
    assert page.title() != "owned"
    assert "<script>" in page.title(), "shown as the text it is"
    assert page.locator("img").count() == 0
    assert page.evaluate("JSON.parse(document.getElementById('scores').textContent).version") == 1


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_stands_out_from_its_ground(
    opened: Any, scheme: str, evaluation: Evaluation, provenance: Provenance, extras: Extras
) -> None:
    page = opened(render(evaluation, provenance, extras))
    page.emulate_media(color_scheme=scheme)
    ratios = page.evaluate(
        CONTRAST,
        [
            "body",
            ".quiet",
            ".c.sub .h",
            ".c.del .r",
            ".c.ins .h",
            "nav a",
            "thead th",
            ".c .h",
            "summary",
            ".key.sub",
            ".eg a",
            ".series",
        ],
    )
    assert [(selector, ratio) for selector, ratio in ratios if ratio < 4.5] == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_drawings_and_shades_stand_out_from_their_ground(opened: Any, scheme: str, provenance: Provenance) -> None:
    # Tokens of every sureness; labels that are always right and always wrong: the darkest shades.
    times = tuple((0.2 * n, 0.2 * n + 0.1) for n in range(4))
    item = Item("u", "", "", ("a", "b", "a", "b"), ("a", "c", "a", "c"), times, (0.99, 0.9, 0.6, 0.2), duration=1.0)
    evaluation = compare([System("x", "m", "letters", ("per",), (item,))], resamples=10)
    page = opened(render(evaluation, provenance, Extras({"u": Detail(1.0)})))
    page.emulate_media(color_scheme=scheme)
    ratios = page.evaluate(
        CONTRAST, [".tick", ".q0", ".q1", ".q2", ".marks text:not([class])", ".hit9", ".miss9", ".matrix .quiet"]
    )
    assert [(selector, ratio) for selector, ratio in ratios if ratio < 4.5] == []


@pytest.mark.parametrize("width", [380, 1200])
def test_the_page_never_scrolls_sideways(
    width: int, opened: Any, evaluation: Evaluation, provenance: Provenance, extras: Extras
) -> None:
    page = opened(render(evaluation, provenance, extras))
    page.set_viewport_size({"width": width, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_print_leaves_out_what_needs_a_screen(opened: Any, evaluation: Evaluation, provenance: Provenance) -> None:
    page = opened(render(evaluation, provenance))
    page.emulate_media(media="print")
    assert page.locator("nav").is_hidden()
    assert page.locator("#find").is_hidden()
    assert page.locator(".utterances > li:visible").count() == 3


def ids(page: Any) -> list[str]:
    # Not inner_text: what is off the screen is not laid out.
    return [text.split()[0] for text in page.locator(".utterances > li:not([hidden]) h3").all_text_contents()]


def until(page: Any, condition: str) -> None:
    """Wait; the page's own policy forbids Playwright's way."""
    for _ in range(200):
        if page.evaluate(condition):
            return
        page.wait_for_timeout(20)
    raise AssertionError(condition)


def many(provenance: Provenance) -> str:
    # Errors, rate, duration and confidence each have an order of their own; the last 50 are right.
    items = [Item(f"v{n:03}", "a b c", "a b c", ("a",), ("a",), (), (0.99,), duration=1.0) for n in range(200)]
    items[3] = Item("few", "a", "x", (), ("x",), (), (0.5,), duration=2.0)
    items[4] = Item("most", "a b c d", "x y z d", (), ("x",), (), (0.3,), duration=1.5)
    items[5] = Item("long", "a b c d", "x y c d", (), ("x",), (), (0.9,), duration=9.0)
    items[6] = Item("a-failed", "", "", duration=0.5, failure="cut short")
    other = [Item(item.id, item.reference, item.reference, duration=item.duration) for item in items]
    systems = [System("x", "m", "chars", ("wer",), tuple(items)), System("y", "m", "chars", ("wer",), tuple(other))]
    return render(compare(systems, resamples=10), provenance)


def test_utterances_are_filtered_and_sorted(opened: Any, provenance: Provenance) -> None:
    page = opened(many(provenance))
    assert ids(page) == ["most", "long", "few", "a-failed"], "those with errors, the most first"
    for order, expected in [
        ("rate", ["few", "most", "long", "a-failed"]),
        ("unsure", ["most", "few", "long", "a-failed"]),
        ("long", ["long", "few", "most", "a-failed"]),
        ("id", ["a-failed", "few", "long", "most"]),
        ("errors", ["most", "long", "few", "a-failed"]),
    ]:
        page.get_by_label("Sort").select_option(order)
        assert ids(page) == expected, order
    for wanted, number in [("all", 200), ("right", 196), ("failed", 1), ("differ", 3), ("wrong", 4)]:
        page.get_by_label("Show").select_option(wanted)
        assert page.locator(".utterances > li:visible").count() == number, wanted
        assert page.locator("#found").inner_text() == f"{number} of 200"
    page.get_by_label("Find").fill("x y c")
    assert ids(page) == ["long"], "heard, not said"
    page.get_by_label("Show").select_option("all")
    page.get_by_label("Find").fill("a b c")
    assert page.locator(".utterances > li:visible").count() == 198


def test_running_text_is_searched_by_either_side(opened: Any, provenance: Provenance) -> None:
    items = tuple(Item(f"u{n:03}", "the old cat", f"the new{n} cat up{n}", duration=1.0) for n in range(300))
    page = opened(render(compare([System("x", "m", "chars", ("wer",), items)], resamples=10), provenance))
    last = page.locator(".utterances > li:has(.runs)").last
    number = int(last.locator("h3").text_content().split()[0][1:])
    for sought, found in [(f"the new{number} cat up{number}", 1), ("the old cat", 300), (f"old new{number}", 0), ("added", 0)]:
        page.get_by_label("Find").fill(sought)
        assert page.locator(".utterances > li:visible").count() == found, sought


def test_what_was_heard_rightly_stands_below_its_reference_and_is_read_out_once(
    opened: Any, evaluation: Evaluation, provenance: Provenance, extras: Extras
) -> None:
    page = opened(render(evaluation, provenance, extras))
    column = page.locator(".c[data-h]").first
    said, below = column.evaluate("cell => [cell.textContent, getComputedStyle(cell, '::after').content]")
    assert below == f'"{said}" / ""', "the second text, for a screen reader, is empty"
    # On one line each: the column is as high as one whose hypothesis is an element of its own, less the row of the sign.
    wrong = page.locator(".c.sub").first
    assert column.bounding_box()["y"] == wrong.bounding_box()["y"]
    inner = [wrong.locator(part).bounding_box()["height"] for part in (".r", ".h")]
    assert column.evaluate("cell => parseFloat(getComputedStyle(cell).gridTemplateRows.split(' ')[1])") == inner[1]


def test_a_link_to_a_hidden_utterance_shows_it(opened: Any, evaluation: Evaluation, provenance: Provenance) -> None:
    page = opened(render(evaluation, provenance))
    page.get_by_label("Find").fill("zebra")
    page.locator(".eg a").first.click()
    until(page, "document.querySelectorAll('.utterances > li:not([hidden])').length === 3")


def test_sound_plays_and_its_place_is_shown_in_the_picture(
    opened: Any, evaluation: Evaluation, provenance: Provenance, extras: Extras
) -> None:
    page = opened(render(evaluation, provenance, extras))
    first = page.locator(".scene").first
    assert first.locator(".head").get_attribute("visibility") == "hidden"
    box = first.locator(".timeline").bounding_box()
    # A click at two thirds of the picture, which is 1.5 s wide.
    page.mouse.move(0, 0)
    first.locator(".timeline").click(position={"x": box["width"] * 2 / 3, "y": 20})
    until(page, "document.querySelector('audio').currentTime > 1.05")
    length = page.evaluate("document.querySelector('audio').duration")
    assert abs(length - 1.5) < 0.08
    until(page, "document.querySelector('.head').getAttribute('visibility') === 'visible'")
    assert float(first.locator(".head").get_attribute("x1")) >= 200
    natural = page.evaluate(
        "(async () => { const i = new Image(); i.src = document.querySelector('image').getAttribute('href'); await i.decode();"
        " return [i.naturalWidth, i.naturalHeight]; })()"
    )
    assert natural == [150, 64]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_page_of_numbers_is_readable_and_searched(opened: Any, scheme: str, numbers: Evaluation, provenance: Provenance) -> None:
    page = opened(render(numbers, provenance))
    page.emulate_media(color_scheme=scheme)
    ratios = page.evaluate(CONTRAST, [".big", ".tick", ".dot", ".bounds", ".runs .arrow", ".failure"])
    assert [(selector, ratio) for selector, ratio in ratios if ratio < 4.5] == []
    assert ids(page)[:2] == ["u03", "u39"], "all are shown, those without a number first"
    assert len(ids(page)) == 40
    page.get_by_label("Find").fill(f"→ {numbers.systems[0].items[7].hypothesis}")
    assert ids(page) == ["u07"]
    page.get_by_label("Find").fill("")
    page.get_by_label("Show").select_option("failed")
    assert ids(page) == ["u03", "u39"]
    page.set_viewport_size({"width": 380, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth") <= 380
