"""The page as text: what it shows, that it needs nothing else, and that what others wrote stays text."""

from __future__ import annotations

import json
import re
from collections import Counter
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from speechrnn.records import Posteriors
from speechrnn.reports.analysis import analyse
from speechrnn.reports.details import Detail, choose, curves, spectrogram
from speechrnn.reports.page import Extras, content_security_policy, embedded_json, render
from speechrnn.reports.provenance import Provenance
from speechrnn.reports.scores import scores_record
from speechrnn.reports.training import Series, Training
from speechrnn.scoring.calibration import Figure, Reliability
from speechrnn.scoring.compare import compare
from speechrnn.scoring.results import Evaluation, Item, System

VOID = {"meta", "link", "input", "br"}


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


def test_nothing_is_fetched_and_only_our_style_and_script_may_run(
    evaluation: Evaluation, provenance: Provenance, extras: Extras
) -> None:
    html = render(evaluation, provenance, extras)
    page = Page(html)
    assert not [
        (name, value) for _, name, value in page.attributes if name in {"srcset", "action", "style"} or name.startswith("on")
    ]
    assert {value[:12] for _, name, value in page.attributes if name == "src"} == {"data:audio/m"}
    links = {value.split(",")[0] for _, name, value in page.attributes if name == "href" if not value.startswith("#")}
    assert links == {"data:", "data:image/png;base64"}, "the empty icon and spectrograms"
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


def test_recordings_are_told_with_their_corpus_and_licence(evaluation: Evaluation, provenance: Provenance, extras: Extras) -> None:
    page = Page(render(evaluation, provenance, extras))
    assert "This page holds 2 recordings (0.1 minutes) of Own corpus; licence: CC0." in page.text
    assert page.tags["audio"] == page.tags["image"] == 2
    silent = Extras({key: replace(detail, audio=b"") for key, detail in extras.details.items()}, extras.trainings)
    page = Page(render(evaluation, provenance, silent))
    assert "This page holds" not in page.text
    assert (page.tags["audio"], page.tags["image"]) == (0, 2)
    unknown = replace(provenance, corpus={})
    assert "licence: not known; ask its owner" in Page(render(evaluation, unknown, extras)).text


def test_a_system_without_posteriors_has_no_curves_and_the_other_one_has(
    evaluation: Evaluation, provenance: Provenance, extras: Extras
) -> None:
    page = Page(render(evaluation, provenance, extras))
    traces = [value for tag, name, value in page.attributes if tag == "path" and name == "class"]
    assert sorted(traces) == ["blank", "blank", "trace s0", "trace s0"]


def test_times_stand_in_a_group_of_rows_for_each_system(provenance: Provenance) -> None:
    times, sure = ((0.1, 0.2), (0.3, 0.44)), (0.99, 0.5)
    item = Item("u1", "", "", ("a", "b"), ("a", "c"), times, sure, duration=1.0)
    both = [System(name, "m", "letters", ("per",), (item,)) for name in ("x", "y")]
    extras = Extras({"u1": Detail(1.0)})
    for systems, groups in [(both[:1], []), (both, ["x", "y"])]:
        html = render(compare(systems, resamples=10), provenance, extras)
        (table,) = re.findall(r'<table class="times">.*?</table>', html, re.DOTALL)
        assert re.findall(r'<th scope="rowgroup" colspan="4">(.)</th>', table) == groups
        assert table.count("<tbody>") == len(systems)
        rows = [re.findall("<td>(.*?)</td>", row) for row in re.findall("<tr>.*?</tr>", table) if "<td>" in row]
        assert rows == [["a", "0.10", "0.20", "99"], ["c", "0.30", "0.44", "50"]] * len(systems)


def test_training_is_told_as_far_as_it_is_known(evaluation: Evaluation, provenance: Provenance, extras: Extras) -> None:
    text = Page(render(evaluation, provenance, extras)).text
    for shown in ["1 min 5 s", "Error on dev, rnn tokens 5", "cell: lstm <&>", "cuts_train.jsonl.gz abcd", "torch 2.13"]:
        assert shown in text
    assert "Error on dev, hmm" not in text


def test_of_files_of_hypotheses_there_is_no_training_to_tell(evaluation: Evaluation, provenance: Provenance) -> None:
    items = evaluation.systems[0].items
    plain = render(compare([System("x", "hyp.txt", "word", ("wer",), items)], resamples=10), provenance)
    assert "Models and their training" not in plain
    assert "#training" not in plain
    assert "Models and their training" in render(evaluation, provenance)


def test_tables_are_tables_for_a_screen_reader(letters: Evaluation, provenance: Provenance) -> None:
    html = render(letters, provenance)
    for table in re.findall(r"<table.*?</table>", html, re.DOTALL):
        heads = re.findall(r"<th\b([^>]*)>", table)
        assert heads
        assert all("scope=" in head for head in heads)
    page = Page(html)
    named = {name for tag, name, _ in page.attributes if tag == "svg"}
    assert {"role", "aria-label"} <= named


def test_classes_distances_and_confusions_of_letters_are_shown(letters: Evaluation, provenance: Provenance) -> None:
    text = Page(render(letters, provenance)).text
    for shown in ["x consonants 50.00 1 2 0 0 1", "x vowels 0.00 0 3 0 0 0", "x tone alone 33.33 1 3 0 0 1"]:
        assert shown in text
    near = analyse(letters).articulatory.get("x")
    if near is not None:
        # b for p is one feature of 24, á for a one more.
        assert near.percent == pytest.approx(100 * (2 / 24) / 5)
        assert "all, by articulatory distance 1.67 0.1 5" in text


def test_every_utterance_is_on_the_page_once(provenance: Provenance) -> None:
    items = tuple(Item(f"u{n:03}", "a b c d", "a x c" if n % 3 else "a b c d", duration=1.0) for n in range(400))
    html = render(compare([System("x", "m", "chars", ("wer",), items)], resamples=10), provenance)
    assert re.findall(r"<h3>(u\d+)", html) == [f"u{n:03}" for n in [*(n for n in range(400) if n % 3), *range(0, 400, 3)]]
    assert html.count('class="columns"') == 150
    assert html.count('class="runs') == 250
    assert html.count('a <del>b</del><i> heard as </i><ins>x</ins> c <del class="del">d') == 266 - html.count('"c sub"')


@pytest.mark.parametrize("reference", ["", "a"])
def test_pages_of_nothing_wrong_and_of_empty_references(reference: str, provenance: Provenance) -> None:
    evaluation = compare(
        [System("x", "m", "letters", ("per",), (Item("u", reference, "", (reference,) * len(reference)),))], resamples=10
    )
    text = Page(render(evaluation, provenance)).text
    assert f"{len(reference)} of {len(reference)}" in text


def large(sure: int, unsure: int) -> tuple[Evaluation, Extras]:
    """Two thousand utterances as Mboshi's, 25 letters in 3 s, by systems as sure as a trained network and by systems never sure.

    Sound and spectrograms of noise are the worst case, and so are posteriors of noise, a hundred a second.
    """
    generator = np.random.default_rng(1)
    stored = np.load(Path(__file__).parents[1] / "data/mboshi_test.npz")
    tokens = tuple(stored["tokens"].tolist())
    alphabet = np.array(tokens[1:])
    times = tuple((0.1 * n, 0.1 * n + 0.08) for n in range(25))

    def item(number: int, text: np.ndarray) -> Item:
        heard = np.where(generator.random(25) < 0.15, generator.choice(alphabet, 25), text)
        name = f"abiayi_2015-09-08-11-33-57_samsung-SM-T530_mdw_elicit_{number}"
        return Item(name, "", "", tuple(text.tolist()), tuple(heard.tolist()), times, (0.9,) * 25, "abiayi", 3.0)

    texts = generator.choice(alphabet, (2000, 25))
    names = [f"rnn with a letter n-gram {n}" for n in range(sure)] + [f"hmm after rung {n}" for n in range(unsure)]
    systems = [System(name, "m", "letters", ("per",), tuple(item(n, text) for n, text in enumerate(texts))) for name in names]
    evaluation = compare(systems, resamples=20)
    chosen = choose(evaluation)
    assert len(chosen) == 150
    pieces = np.split(stored["log_probs"].astype(np.float32), np.cumsum(stored["lengths"])[:-1])
    samples = generator.standard_normal(48_000).astype(np.float32)
    picture, sound = spectrogram(samples, 16_000), generator.bytes(9_000)
    details = {}
    for identity, log_probs in zip(chosen, pieces, strict=False):
        found = curves(Posteriors(log_probs, tokens, float(stored["frame_shift"])))
        assert len(found) > 5
        # A hidden Markov model is never quite sure, a hundred times a second.
        odds = np.exp(generator.standard_normal((300, len(tokens))))
        noise = curves(Posteriors(np.log(odds / odds.sum(1, keepdims=True)).astype(np.float32), tokens, 0.01))
        details[identity] = Detail(3.0, picture, sound, dict.fromkeys(names[:sure], found) | dict.fromkeys(names[sure:], noise))
    return evaluation, Extras(details)


def test_two_thousand_utterances_of_three_systems_stay_below_15_megabytes(provenance: Provenance) -> None:
    evaluation, extras = large(2, 1)
    html = render(evaluation, provenance, extras)
    assert html.count("<audio ") == 150
    assert html.count('aria-label="Spectrogram') == 300, "a region and a picture each"
    assert "150 of them, the worst and some drawn at random, with sound, spectrogram, posteriors and times." in html
    assert len(html.encode("utf-8")) < 15_000_000


def test_what_would_be_larger_goes_without_the_posteriors_of_those_chosen_last(provenance: Provenance) -> None:
    evaluation, extras = large(2, 3)
    html = render(evaluation, provenance, extras)
    assert 14_000_000 < len(html.encode("utf-8")) < 15_000_000
    assert html.count("<audio ") == 150
    said = re.search(r"150 of them, the worst and some drawn at random, with sound, spectrogram and times; (\d+) also with", html)
    assert said
    places = {item.id: index for index, item in enumerate(evaluation.systems[0].items)}
    drawn = []
    for identity in choose(evaluation):
        (block,) = re.findall(rf'<li id="u{places[identity]}" .*?</li>', html, re.DOTALL)
        assert block.count('<g class="marks"') == 5, "all systems' tokens, whether they have curves or not"
        drawn.append('<path class="trace' in block)
    assert drawn == [True] * int(said[1]) + [False] * (150 - int(said[1]))


def test_numbers_have_figures_and_a_drawing_and_nothing_is_counted(numbers: Evaluation, provenance: Provenance) -> None:
    trained = Training((Series("dev_error", ((1, 100.0), (2, 30.0))),))
    page = Page(render(numbers, provenance, Extras({"u05": Detail(1.5)}, {"rnn": trained})))
    scores = numbers.values["rnn"]
    for shown in [
        "Estimates of age <of> them",
        f"{scores.rmse.value:.5g}",
        f"{scores.r2.low:.5g} – {scores.r2.high:.5g}",
        f"{scores.constant:.5g}",
        "Failed utterances have no number and are left out.",
        "<b>.wav: cut short",
        "rnn is better",
        "Field of the manifest",
        "RMSE, 100 for saying the mean 30",
    ]:
        assert shown in page.text
    for counted in ["%WER", "Substituted", "Frequent errors", "count as all deleted", "Matched pairs", "Confidences", "0 of 0"]:
        assert counted not in page.text
    # A dot for each utterance that has a number; labels of 78 dots are not read out, a sentence is.
    labels = [value for tag, name, value in page.attributes if tag == "svg" and name == "aria-label" and "estimate over" in value]
    assert labels == [
        f"{name}: age <of> them: estimate over reference; 39 utterances, RMSE {numbers.values[name].rmse.value:.5g}"
        for name in ("rnn", "constant")
    ]
    assert sum(name == "class" and value == "dot" for _, name, value in page.attributes) == 78
    links = [value for tag, name, value in page.attributes if tag == "a" and name == "href"]
    assert {link[1:] for link in links} <= {value for _, name, value in page.attributes if name == "id"}


def test_scores_of_numbers(numbers: Evaluation, provenance: Provenance) -> None:
    record = json.loads(json.dumps(scores_record(numbers, provenance), allow_nan=False))
    system, (pair,) = record["systems"][0], record["pairs"]
    scores = numbers.values["rnn"]
    assert system["failed"] == ["u03"]
    assert (system["numbers"]["of"], system["numbers"]["utterances"]) == ("age <of> them", 39)
    for name, figure in zip(("rmse", "mae", "r", "r2"), (scores.rmse, scores.mae, scores.r, scores.r2), strict=True):
        assert figure is not None
        assert system["numbers"][name] == pytest.approx({"value": figure.value, "low": figure.low, "high": figure.high})
    assert system["numbers"]["rmse_of_the_mean"] == pytest.approx(scores.constant)
    assert not {"wer", "per", "error", "utterances_right", "accuracy"} & set(system)
    assert pair["metric"] == "rmse"
    assert pair["difference"] == pytest.approx(numbers.pairs[0].difference.difference)
    assert "matched_pairs" not in pair


def test_figures_that_are_not_defined_are_said_to_be(provenance: Provenance) -> None:
    items = tuple(Item(f"u{n}", "5", "5") for n in range(3))
    evaluation = compare(
        [System("x", "m", "value", (), items, source="age"), System("y", "m", "value", (), items, source="age")], 10
    )
    assert "not defined" in Page(render(evaluation, provenance)).text
    (system, _) = scores_record(evaluation, provenance)["systems"]
    assert (system["numbers"]["r"], system["numbers"]["r2"], system["numbers"]["rmse_of_the_mean"]) == (None, None, 0)
