"""``speechrnn lm score``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from speechrnn.cli import lm_options as shared

if TYPE_CHECKING:
    from speechrnn.lm.perplexity import SentenceScore, Total

UNKNOWN_SHOWN = 20
"""Unknown words that are named."""


def register(lm: typer.Typer) -> None:
    lm.command("score", no_args_is_help=True)(score)


def score(
    context: typer.Context,
    texts: list[Path] = shared.TEXTS,
    model: Path = typer.Option(..., "-m", "--model", metavar="MODEL", help="ARPA file, or a model directory of kind lm."),
    per_sentence: bool = typer.Option(False, "--per-sentence", help="Print a line a sentence; the sums go to standard error."),
    unit: shared.Unit = shared.UNIT,
    lexicon: Path | None = shared.LEXICON,
    tokens: Path | None = shared.TOKENS,
    word_boundary: bool = shared.BOUNDARY,
    case: shared.Case = shared.CASE,
    remove: str = shared.REMOVE,
    device: str = typer.Option("auto", help="auto, cpu or cuda; of use for model directories."),
) -> None:
    """Perplexity of texts under a language model, and the words that it does not know.

    A model directory knows how texts become tokens; for an ARPA file it is told as in training. Perplexities count sentence ends.
    With --per-sentence the columns are file, line or utterance, tokens, unknown ones, log10 probability, text, separated by tabs.

    \b
    Examples:
      speechrnn lm score data/own/cuts_dev.jsonl.gz -m words.arpa.gz
      speechrnn lm score data/mboshi/cuts_dev.jsonl.gz --unit letter -m letters.arpa
      speechrnn lm score data/mboshi/cuts_dev.jsonl.gz -m runs/letters
    """
    from speechrnn.cli import console
    from speechrnn.errors import DataError, UsageError
    from speechrnn.jobs import lm as job
    from speechrnn.jobs.recurrent_lm import open_model
    from speechrnn.lm.ngram import NgramModel
    from speechrnn.lm.perplexity import Total

    units = shared.units(unit, case, remove, lexicon, tokens, word_boundary)
    opened = open_model(model, device)
    if not isinstance(opened, NgramModel):
        if told := shared.given(context, shared.TEXT_OPTIONS):
            raise UsageError(f"{model} itself says how texts become tokens", f"leave {', '.join(told)} out")
        units = opened.units
    totals = []
    for path in texts:
        total = Total(str(path))
        try:
            for scored in job.score(path, opened, units, track=None if per_sentence else console.track):
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
