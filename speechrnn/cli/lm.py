"""``speechrnn lm``: n-gram language models."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

if TYPE_CHECKING:
    from speechrnn.lm.perplexity import SentenceScore, Total
    from speechrnn.lm.units import UnitOptions

UNKNOWN_SHOWN = 20
"""Unknown words that ``lm score`` names."""

lm = typer.Typer(help="Estimate n-gram language models from texts, and score texts under them.", no_args_is_help=True)


class Unit(StrEnum):
    """What a model's tokens are."""

    WORD = "word"
    PHONE = "phone"
    LETTER = "letter"


class Smoothing(StrEnum):
    """How unseen n-grams get their share."""

    KNESER_NEY = "kneser-ney"
    WITTEN_BELL = "witten-bell"


class Case(StrEnum):
    """Upper and lower case."""

    KEEP = "keep"
    LOWER = "lower"
    UPPER = "upper"


TEXTS = typer.Argument(..., metavar="TEXT...", help="Texts with a sentence a line (.gz too), or manifests (.jsonl.gz).")
UNIT = typer.Option(Unit.WORD, help="What the tokens are.")
LEXICON = typer.Option(None, metavar="FILE", help="phone: pronunciations by which words become phones.")
TOKENS = typer.Option(None, metavar="FILE", help="letter: tokens.txt by whose longest match words are split.")
BOUNDARY = typer.Option(False, "--word-boundary", help="letter: keep the spaces, as the token <space>.")
CASE = typer.Option(Case.KEEP, help="Applied to the texts first.")
REMOVE = typer.Option("", metavar="CHARS", help="Characters dropped from the texts, such as .,?")


def register(app: typer.Typer) -> None:
    app.add_typer(lm, name="lm")


@lm.command("train", no_args_is_help=True)
def train(
    texts: list[Path] = TEXTS,
    out: Path = typer.Option(..., "-o", "--out", metavar="FILE", help="ARPA file to write; compressed if it ends in .gz."),
    order: int = typer.Option(3, metavar="N", help="Tokens of the longest n-gram, 1 to 6."),
    unit: Unit = UNIT,
    smoothing: Smoothing = typer.Option(
        Smoothing.KNESER_NEY, help="Modified Kneser-Ney, or Witten-Bell for small or artificial texts."
    ),
    prune: str = typer.Option(
        "", metavar="N,N,…", help="By order, leave out n-grams that occur at most so often: 0,0,1 for trigrams seen once."
    ),
    entropy: float = typer.Option(
        0.0, metavar="SHARE", help="Leave out n-grams that raise the perplexity by less than this share, such as 1e-8."
    ),
    min_count: int = typer.Option(1, metavar="N", help="Words that occur less often are counted as <unk>."),
    lexicon: Path | None = LEXICON,
    tokens: Path | None = TOKENS,
    word_boundary: bool = BOUNDARY,
    case: Case = CASE,
    remove: str = REMOVE,
) -> None:
    """Estimate an n-gram model of words, phones or letters, and write it as an ARPA file.

    \b
    Examples:
      speechrnn lm train data/own/cuts_train.jsonl.gz more.txt -o words.arpa.gz
      speechrnn lm train data/mboshi/cuts_train.jsonl.gz --unit letter --order 5 -o letters.arpa
      speechrnn lm train news.txt.gz --order 4 --prune 0,0,1 -o news.arpa.gz
    """
    from speechrnn.cli import console
    from speechrnn.jobs import lm as job
    from speechrnn.lm.estimate import EstimateOptions

    options = EstimateOptions(order, smoothing.value, _thresholds(prune), entropy, min_count)
    units = _units(unit, case, remove, lexicon, tokens, word_boundary)
    trained = job.train(texts, out, units, options, track=console.track)
    for note in trained.model.notes:
        console.logger.info("%s", note)
    print(console.table([[n, count] for n, count in enumerate(trained.model.counts, 1)], ["order", "n-grams"]))
    console.logger.info("wrote %s: from %d sentences with %d %ss", out, trained.sentences, trained.tokens, unit.value)


@lm.command("score", no_args_is_help=True)
def score(
    texts: list[Path] = TEXTS,
    model: Path = typer.Option(..., "-m", "--model", metavar="FILE", help="ARPA file, compressed or not."),
    per_sentence: bool = typer.Option(False, "--per-sentence", help="Print a line a sentence; the sums go to standard error."),
    unit: Unit = UNIT,
    lexicon: Path | None = LEXICON,
    tokens: Path | None = TOKENS,
    word_boundary: bool = BOUNDARY,
    case: Case = CASE,
    remove: str = REMOVE,
) -> None:
    """Perplexity of texts under an n-gram model, and the words that it does not know.

    Perplexities count sentence ends. With --per-sentence the columns are file, line or utterance, tokens, unknown ones, log10
    probability, text, separated by tabs.

    \b
    Examples:
      speechrnn lm score data/own/cuts_dev.jsonl.gz -m words.arpa.gz
      speechrnn lm score data/mboshi/cuts_dev.jsonl.gz --unit letter -m letters.arpa
    """
    from speechrnn.cli import console
    from speechrnn.errors import DataError
    from speechrnn.jobs import lm as job
    from speechrnn.lm.ngram import NgramModel
    from speechrnn.lm.perplexity import Total

    units = _units(unit, case, remove, lexicon, tokens, word_boundary)
    ngrams = NgramModel.read_arpa(model)
    totals = []
    for path in texts:
        total = Total(str(path))
        try:
            for scored in job.score(path, ngrams, units, track=None if per_sentence else console.track):
                total.add(scored)
                if per_sentence:
                    print(_line(path, scored))
        except DataError as error:
            console.error(error.message, error.remedy)
        else:
            totals.append(total)
    failed = len(texts) - len(totals)
    if len(totals) > 1:
        every = Total("all")
        for total in totals:
            every.join(total)
        totals.append(every)
    for line in _summary(totals):
        if per_sentence:
            console.logger.info("%s", line)
        else:
            print(console.visible(line))
    if failed:
        raise typer.Exit(1)


def _units(unit: Unit, case: Case, remove: str, lexicon: Path | None, tokens: Path | None, word_boundary: bool) -> UnitOptions:
    from speechrnn.lm.units import UnitOptions
    from speechrnn.text.normalize import TextOptions

    return UnitOptions(unit.value, TextOptions(case=case.value, remove=remove), lexicon, tokens, word_boundary)


def _thresholds(prune: str) -> tuple[int, ...]:
    from speechrnn.errors import UsageError

    try:
        return tuple(int(value) for value in prune.replace(",", " ").split())
    except ValueError:
        raise UsageError(f"--prune is {prune!r}", "give a count for each order, such as 0,0,1") from None


def _line(path: Path, scored: SentenceScore) -> str:
    """A sentence as ``--per-sentence`` prints it."""
    import math

    log10 = scored.log_probs.sum() / math.log(10)
    text = " ".join(scored.tokens)
    return f"{path}\t{scored.place}\t{len(scored.tokens)}\t{len(scored.unknown)}\t{log10:.4f}\t{text}"


def _summary(totals: list[Total]) -> list[str]:
    """A row a text, then the unknown words of all."""
    from speechrnn.cli import console
    from speechrnn.errors import listed

    if not totals:
        return []
    header = ["text", "sentences", "tokens", "unknown", "log10", "perplexity", "without unknown"]
    rows: list[list[Any]] = [
        [
            total.name,
            total.sentences,
            total.tokens,
            total.unknown.total(),
            round(total.log10_prob, 2),
            round(total.perplexity, 2),
            round(total.perplexity_known, 2),
        ]
        for total in totals
    ]
    lines = console.table(rows, header).split("\n")
    every = totals[-1]
    if every.unknown:
        share = 100 * every.unknown.total() / every.tokens
        names = listed((f"{word} {count}" for word, count in _commonest(every)), UNKNOWN_SHOWN)
        lines.append(f"unknown: {every.unknown.total()} of {every.tokens} tokens ({share:.2f} %): {names}")
    return lines


def _commonest(total: Total) -> list[tuple[str, int]]:
    """Unknown tokens, the most frequent first, then in code point order."""
    return sorted(total.unknown.items(), key=lambda item: (-item[1], item[0]))
