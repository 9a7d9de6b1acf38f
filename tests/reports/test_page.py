"""The page as text: what it shows, that it needs nothing else, and that what others wrote stays text."""

from __future__ import annotations

import json
import re
from collections import Counter
from html.parser import HTMLParser

import pytest

from speechrnn.reports.page import content_security_policy, embedded_json, render
from speechrnn.reports.provenance import Provenance
from speechrnn.reports.scores import scores_record
from speechrnn.scoring.calibration import Figure, Reliability
from speechrnn.scoring.compare import compare
from speechrnn.scoring.results import Evaluation, Item, System

VOID = {"meta", "link", "line", "circle", "input", "br"}


class Page(HTMLParser):
    """Elements, attributes and text of a page; elements must be closed in order."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: Counter[str] = Counter()
        self.attributes: list[tuple[str, str, str]] = []
        self.texts: list[str] = []
        self._open: list[str] = []
        self.feed(html)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags[tag] += 1
        self.attributes += [(tag, name, value or "") for name, value in attrs]
        if tag not in VOID:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert tag in VOID or self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.texts).split())


def test_figures_differences_failures_and_protocol_are_shown(evaluation: Evaluation, provenance: Provenance) -> None:
    page = Page(render(evaluation, provenance))
    for shown in [
        "Own corpus",
        "3 utterances · 1 speaker · 0.1 minutes · 2026-01-31",
        "%WER 25.00 [ 2 / 8, 1 ins, 0 del, 1 sub ] rnn",
        "%WER 62.50 [ 5 / 8, 0 ins, 3 del, 2 sub ] hmm",
        "\u221237.50",
        "a.wav: cut short",
        "ab" * 32,
        "CC0",
        "bootstrap, 10 000 draws of utterances",
        "unicode NFC , case keep , remove nothing , both sides",
        "1 234",
        "0123456789",
    ]:
        assert shown in page.text


def test_what_confidences_are_worth_is_shown_where_there_are_any(evaluation: Evaluation, provenance: Provenance) -> None:
    assert "What confidences are worth" not in Page(render(evaluation, provenance)).text
    items = evaluation.systems[0].items
    worth = {"words": Reliability(7, 2, Figure(0.1234, 0.1, 0.2), None, Figure(0.3, 0.2, 0.4), 0.456)}
    text = Page(render(compare([System("sure", "m", "chars", ("wer",), items, reliability=worth)]), provenance)).text
    for shown in ("What confidences are worth", "sure words 7 2 0.123 0.100 – 0.200 – 0.300 0.200 – 0.400 0.456"):
        assert shown in text


def test_errors_are_marked_by_letters_and_words_not_only_by_color(evaluation: Evaluation, provenance: Provenance) -> None:
    text = Page(render(evaluation, provenance)).text
    assert "the heard as a S" in text
    assert "sat left out · D" in text
    assert "added · mat I" in text


def test_nothing_is_fetched_and_only_our_style_and_script_may_run(evaluation: Evaluation, provenance: Provenance) -> None:
    html = render(evaluation, provenance)
    page = Page(html)
    assert not [
        (name, value) for _, name, value in page.attributes if name in {"src", "srcset", "action", "style"} or name.startswith("on")
    ]
    assert {value[:1] for _, name, value in page.attributes if name == "href"} <= {"#", "d"}, "anchors and the empty icon"
    assert "http://" not in html
    assert "https://" not in html
    policy = next(value for tag, name, value in page.attributes if tag == "meta" and name == "content" and "default-src" in value)
    style, script = (re.search(rf"<{tag}>(.*?)</{tag}>", html, re.DOTALL) for tag in ("style", "script"))
    assert style
    assert script
    assert policy == content_security_policy(style[1], script[1])
    assert "unsafe" not in policy
    assert policy.startswith("default-src 'none'")


def test_what_others_wrote_stays_text(hostile: Evaluation, provenance: Provenance, evaluation: Evaluation) -> None:
    page = Page(render(hostile, provenance))
    plain = Page(render(evaluation, provenance))
    assert page.tags["script"] == plain.tags["script"] == 2
    assert page.tags["img"] == 0
    assert "document.title='owned'" in page.text


def test_embedded_figures_are_those_of_scores_json(hostile: Evaluation, provenance: Provenance) -> None:
    html = render(hostile, provenance)
    embedded = re.search(r'<script type="application/json" id="scores">(.*?)</script>', html)
    assert embedded
    assert json.loads(embedded[1]) == scores_record(hostile, provenance)


def test_embedded_json_cannot_end_its_element() -> None:
    value = {"<!--": "</SCRIPT>&\u2028"}
    text = embedded_json(value)
    assert not set("<>&\u2028") & set(text)
    assert json.loads(text) == value


def test_bytes_of_a_file_name_that_are_no_utf_8_do_not_stop_the_page(provenance: Provenance) -> None:
    name = "caf\udce9.wav"
    evaluation = compare([System(name, name, "chars", ("wer",), (Item(name, "a", ""),))], resamples=10)
    assert "caf\\udce9.wav" in render(evaluation, provenance).encode("utf-8").decode("utf-8")


@pytest.mark.parametrize("reference", ["", "a"])
def test_pages_of_nothing_wrong_and_of_empty_references(reference: str, provenance: Provenance) -> None:
    evaluation = compare(
        [System("x", "m", "letters", ("per",), (Item("u", reference, "", (reference,) * len(reference)),))], resamples=10
    )
    text = Page(render(evaluation, provenance)).text
    assert ("There are none." in text) == (reference == "")


def test_pages_stay_small(provenance: Provenance) -> None:
    items = tuple(Item(f"utterance-{n}", "some words of a sentence " * 3, "some word of the sentence " * 3) for n in range(2000))
    evaluation = compare([System("x", "m", "chars", ("wer", "cer"), items)], resamples=100)
    assert len(render(evaluation, provenance)) < 1_000_000
