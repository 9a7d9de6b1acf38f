"""``speechrnn lm generate``."""

from __future__ import annotations

from pathlib import Path

import typer


def register(lm: typer.Typer) -> None:
    lm.command("generate", no_args_is_help=True)(generate)


def generate(
    model: Path = typer.Option(..., "-m", "--model", metavar="MODEL", help="Model directory of kind lm, or an ARPA file."),
    start: str = typer.Option("", metavar="TOKENS", help="What each begins with: tokens of the model, with spaces between."),
    number: int = typer.Option(10, "-n", "--number", metavar="N", help="Sentences."),
    temperature: float = typer.Option(0.8, metavar="T", help="1: as the model foretells; lower: likelier; 0: the likeliest token."),
    top_k: int = typer.Option(0, "--top-k", metavar="K", help="Draw from the K likeliest tokens; 0: from all."),
    max_length: int = typer.Option(100, "--max-length", metavar="N", help="Tokens after which a sentence is cut."),
    seed: int = typer.Option(1, metavar="N", help="Another seed, other sentences."),
    device: str = typer.Option("auto", help="auto, cpu or cuda; of use for model directories."),
) -> None:
    """Draw sentences from a language model: a line each, tokens separated by spaces.

    \b
    Examples:
      speechrnn lm generate -m runs/letters
      speechrnn lm generate -m words.arpa.gz --start "ENTER TWO" -n 3 --temperature 1
      speechrnn lm generate -m runs/words -n 1 --temperature 0
    """
    from speechrnn.cli import console
    from speechrnn.jobs.recurrent_lm import draw
    from speechrnn.lm.generate import GenerateOptions

    options = GenerateOptions(temperature, top_k, max_length, seed)
    drawn = draw(model, number, options, start.split(), device)
    for sentence in drawn:
        print(console.visible(" ".join(sentence.tokens)))
    cut = sum(not sentence.complete for sentence in drawn)
    if cut:
        console.logger.info("%d of %d are cut at %d tokens", cut, number, max_length)
