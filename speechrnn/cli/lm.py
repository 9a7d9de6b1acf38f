"""``speechrnn lm``: language models from texts."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from speechrnn.cli import lm_generate, lm_score
from speechrnn.cli import lm_options as shared

if TYPE_CHECKING:
    from speechrnn.lm.units import UnitOptions

lm = typer.Typer(help="Train language models on texts, score texts under them, and draw new sentences.", no_args_is_help=True)
NGRAMS = ("order", "smoothing", "prune", "entropy")
"""Parameters of n-gram models alone."""
NETWORKS = (
    *("dev", "cell", "layers", "hidden", "embedding", "dropout", "tie", "bptt", "batch", "epochs", "learning_rate", "joined"),
    *("seed", "device"),
)
"""Parameters of recurrent models alone."""


class Smoothing(StrEnum):
    """How unseen n-grams get their share."""

    KNESER_NEY = "kneser-ney"
    WITTEN_BELL = "witten-bell"


def register(app: typer.Typer) -> None:
    app.add_typer(lm, name="lm")


@lm.command("train", no_args_is_help=True)
def train(
    context: typer.Context,
    texts: list[Path] = shared.TEXTS,
    out: Path = typer.Option(
        ..., "-o", "--out", metavar="FILE|DIR", help="ARPA file, compressed if it ends in .gz; with --recurrent a model directory."
    ),
    recurrent: bool = typer.Option(False, "--recurrent", help="Train a recurrent network; otherwise estimate n-grams."),
    order: int = typer.Option(3, metavar="N", help="Tokens of the longest n-gram, 1 to 6."),
    unit: shared.Unit = shared.UNIT,
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
    dev: list[Path] = typer.Option([], metavar="TEXT", help="recurrent: text that says when to stop; repeat. [default: 1 of 20]"),
    cell: str = typer.Option("lstm", help="recurrent: lstm, gru, …"),
    layers: int = typer.Option(1, metavar="N", help="recurrent: layers."),
    hidden: int = typer.Option(256, metavar="N", help="recurrent: units of a layer."),
    embedding: int = typer.Option(128, metavar="N", help="recurrent: dimensions of a token's vector."),
    dropout: float = typer.Option(0.3, metavar="SHARE", help="recurrent: values dropped in training."),
    tie: bool = typer.Option(False, "--tie", help="recurrent: the embedding serves as output weights, too."),
    bptt: int = typer.Option(35, metavar="N", help="recurrent: tokens that gradients reach back."),
    batch: int = typer.Option(32, metavar="N", help="recurrent: sequences side by side."),
    epochs: int = typer.Option(30, metavar="N", help="recurrent: most passes over the texts."),
    learning_rate: float = typer.Option(2e-3, metavar="RATE", help="recurrent: of Adam; halved when dev stops improving."),
    joined: bool = typer.Option(False, "--joined", help="recurrent: carry the state from sentence to sentence in training."),
    seed: int = typer.Option(1, metavar="N", help="recurrent: of weights, dropout and order."),
    device: str = typer.Option("auto", help="recurrent: auto, cpu or cuda."),
    lexicon: Path | None = shared.LEXICON,
    tokens: Path | None = shared.TOKENS,
    word_boundary: bool = shared.BOUNDARY,
    case: shared.Case = shared.CASE,
    remove: str = shared.REMOVE,
) -> None:
    """Estimate an n-gram model of words, phones or letters as an ARPA file, or train a recurrent one (--recurrent).

    A recurrent model is written each time dev improves, with all that is needed to use it; Ctrl-C keeps the best so far.

    \b
    Examples:
      speechrnn lm train data/own/cuts_train.jsonl.gz more.txt -o words.arpa.gz
      speechrnn lm train data/mboshi/cuts_train.jsonl.gz --unit letter --order 5 -o letters.arpa
      speechrnn lm train news.txt.gz --order 4 --prune 0,0,1 -o news.arpa.gz
      speechrnn lm train data/mboshi/cuts_train.jsonl.gz --unit letter --recurrent -o runs/letters
    """
    from speechrnn.cli import console
    from speechrnn.jobs import lm as job
    from speechrnn.lm.estimate import EstimateOptions

    units = shared.units(unit, case, remove, lexicon, tokens, word_boundary)
    _check_kind(context, recurrent)
    if recurrent:
        network = {"cell": cell, "layers": layers, "hidden": hidden, "embedding": embedding, "dropout": dropout, "tie": tie}
        how = {"bptt": bptt, "batch": batch, "epochs": epochs, "learning_rate": learning_rate, "joined": joined, "seed": seed}
        _train_network(texts, out, units, network, how, dev, min_count, device)
        return
    options = EstimateOptions(order, smoothing.value, _thresholds(prune), entropy, min_count)
    trained = job.train(texts, out, units, options, track=console.track)
    for note in trained.model.notes:
        console.logger.info("%s", note)
    print(console.table([[n, count] for n, count in enumerate(trained.model.counts, 1)], ["order", "n-grams"]))
    console.logger.info("wrote %s: from %d sentences with %d %ss", out, trained.sentences, trained.tokens, unit.value)


def _check_kind(context: typer.Context, recurrent: bool) -> None:
    """Refuse options of the other kind of model."""
    from speechrnn.errors import UsageError

    if wrong := shared.given(context, NGRAMS if recurrent else NETWORKS):
        kind, what = ("--recurrent", "n-gram") if recurrent else ("no --recurrent", "recurrent")
        remedy = f"leave {'it' if len(wrong) == 1 else 'them'} out{'' if recurrent else ', or add --recurrent'}"
        raise UsageError(f"{', '.join(wrong)} with {kind}: of use for {what} models alone", remedy)


def _train_network(
    texts: list[Path],
    out: Path,
    units: UnitOptions,
    network: dict[str, Any],
    how: dict[str, Any],
    dev: list[Path],
    min_count: int,
    device: str,
) -> None:
    """Train a recurrent model, and say how good it is."""
    from speechrnn.cli import console
    from speechrnn.jobs.recurrent_lm import train_network
    from speechrnn.models.language import LanguageOptions
    from speechrnn.training.language import LanguageTraining

    options, training = LanguageOptions(**network), LanguageTraining(**how)
    done = train_network(texts, out, units, options, training, dev=dev, min_count=min_count, device=device, track=console.track)
    print(f"dev perplexity {done.progress.perplexity:.2f}, epoch {done.progress.best_epoch} of {done.progress.epoch}")
    console.logger.info("wrote %s: from %d sentences with %d %ss", out, done.sentences, done.tokens, units.unit)


def _thresholds(prune: str) -> tuple[int, ...]:
    from speechrnn.errors import UsageError

    try:
        return tuple(int(value) for value in prune.replace(",", " ").split())
    except ValueError:
        raise UsageError(f"--prune is {prune!r}", "give a count for each order, such as 0,0,1") from None


lm_score.register(lm)
lm_generate.register(lm)
