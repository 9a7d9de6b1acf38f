"""``speechrnn data``: publishers' layouts and other people's formats into data directories."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

if TYPE_CHECKING:
    from speechrnn.data.prepared import Prepared
    from speechrnn.data.show import Summary

LETTERS_SHOWN = 150
"""Letters of the inventory that ``data show`` lists."""

data = typer.Typer(
    help="Make and inspect data directories: manifests of recordings and transcripts, split into train, dev and test.",
    no_args_is_help=True,
)


def register(app: typer.Typer) -> None:
    app.add_typer(data, name="data")


@data.command("prepare", no_args_is_help=True)
def prepare(
    corpus: str = typer.Argument(..., metavar="CORPUS", help="an4, fsdd, mboshi, yesno or synthetic."),
    paths: list[Path] = typer.Argument(
        ..., metavar="[SRC] OUT", help="The folder as its publisher ships it, and the data directory."
    ),
    leave_out: str = typer.Option(None, metavar="NAME", help="fsdd: this speaker's recordings are the test."),
    utterances: int = typer.Option(None, metavar="N", help="synthetic: utterances to train on; dev and test get a tenth each."),
    language: str = typer.Option(None, metavar="TAG", help="synthetic: en-us, en-gb-x-rp, de, fr, es or another of eSpeak NG."),
    sentences: Path = typer.Option(
        None, metavar="FILE", help="synthetic: speak these, a sentence a line, not the built-in grammar."
    ),
    telephone: bool = typer.Option(None, "--telephone", help="synthetic: 8 kHz, 300 to 3400 Hz."),
    noise: float = typer.Option(None, metavar="SNR", help="synthetic: noise this many dB below the speech."),
    noise_from: Path = typer.Option(
        None, metavar="DIR", help="synthetic: mix in recordings from this folder, not generated noise."
    ),
    seed: int = typer.Option(None, metavar="N", help="synthetic: another seed, other sentences."),
) -> None:
    """Turn a corpus as its publisher ships it into a data directory.

    \b
    Examples:
      speechrnn data prepare an4 ~/corpora/an4 data/an4
      speechrnn data prepare fsdd ~/corpora/fsdd data/fsdd-theo --leave-out theo
      speechrnn data prepare synthetic data/synthetic
    """
    from speechrnn.cli import console
    from speechrnn.data.corpora import prepare_corpus

    options = {
        "leave_out": leave_out,
        "utterances": utterances,
        "language": language,
        "sentences_from": sentences,
        "telephone": telephone,
        "noise": noise,
        "noise_from": noise_from,
        "seed": seed,
    }
    given = {name: value for name, value in options.items() if value is not None}
    _print(prepare_corpus(corpus, paths, given, track=console.track))


@data.command("import", no_args_is_help=True)
def import_(
    kind: str = typer.Argument(..., metavar="FORMAT", help="folder (recordings beside .txt files) or kaldi (wav.scp, text, …)."),
    source: Path = typer.Argument(..., metavar="SRC", help="The folder to read; it stays as it is."),
    out: Path = typer.Argument(..., metavar="OUT", help="The data directory to write."),
    speaker_from: str = typer.Option(
        "none", metavar="RULE", help="folder: speaker is folder, prefix (up to the first _ or -) or none."
    ),
    split_by: str = typer.Option("auto", metavar="KEY", help="What stays in one split: sentence, speaker, or auto."),
    dev: float = typer.Option(0.1, metavar="SHARE", help="Share of the utterances for dev."),
    test: float = typer.Option(0.1, metavar="SHARE", help="Share of the utterances for test."),
    language: str = typer.Option("", metavar="TAG", help="Language spoken (BCP 47), kept with each utterance."),
    licence: str = typer.Option("not stated", help="Terms of use, kept in corpus.json and with models."),
    consent: str = typer.Option("not stated", help="What is known of the speakers' consent."),
) -> typer.Exit | None:
    """Turn your own recordings and transcripts into a data directory.

    What cannot be used (no transcript, a damaged recording) is named and left out; the exit status is then 1.

    \b
    Examples:
      speechrnn data import folder "field notes (2024)" data/field
      speechrnn data import kaldi egs/mini/data data/mini
    """
    from speechrnn.cli import console
    from speechrnn.data.importers import importer_module
    from speechrnn.data.importers.common import ImportOptions

    options = ImportOptions(
        speaker_from=speaker_from, split_by=split_by, dev=dev, test=test, language=language, licence=licence, consent=consent
    )
    prepared = importer_module(kind).import_data(source, out, options=options, track=console.track)
    _print(prepared)
    for problem in prepared.problems:
        console.logger.warning("left out: %s", problem)
    if prepared.problems:
        raise typer.Exit(1)
    return None


@data.command("show", no_args_is_help=True)
def show(
    directory: Path = typer.Argument(..., metavar="DIR", help="A data directory."),
    samples: int = typer.Option(2, metavar="N", help="Utterances of each split to show."),
) -> None:
    """Show what a data directory holds: sizes, lengths, speakers, alphabet, and what its splits share.

    Example:

        speechrnn data show data/an4
    """
    from speechrnn.data.show import summarize

    _show(summarize(directory, samples))


def _print(prepared: Prepared) -> None:
    from speechrnn.cli import console

    rows = [[split, prepared.utterances[split], f"{prepared.hours[split]:.3f}"] for split in prepared.manifests]
    print(console.table(rows, ["split", "utterances", "hours"]))


def _seen(letter: str) -> str:
    """A letter, or its code points where it would not be seen."""
    return "".join(char if char.isprintable() else f"U+{ord(char):04X}" for char in letter)


def _show(summary: Summary) -> None:
    from speechrnn.cli import console

    if summary.corpus:
        print(f"{summary.corpus.get('title')} · {summary.corpus.get('licence')}")
        print(f"split: {summary.corpus.get('split_rule')}\n")
    header = ["split", "utterances", "hours", "speakers", "words", "vocabulary", "letters", "shortest s", "median s", "longest s"]
    rows: list[list[Any]] = [
        [
            row.split,
            row.utterances,
            round(row.hours, 3),
            row.speakers,
            row.words,
            row.vocabulary,
            row.letters,
            round(row.shortest_s, 2),
            round(row.median_s, 2),
            round(row.longest_s, 2),
        ]
        for row in summary.splits
    ]
    print(console.table(rows, header))
    shown = " ".join(f"{_seen(letter)} {count}" for letter, count in list(summary.letters.items())[:LETTERS_SHOWN])
    print(f"\n{len(summary.letters)} letters: {shown}{' …' if len(summary.letters) > LETTERS_SHOWN else ''}")
    if summary.unseen:
        print(f"never in train: {' '.join(map(_seen, summary.unseen))}")
    for finding in summary.shared:
        print(finding)
    for split, utterances in summary.samples.items():
        for utterance in utterances:
            shown = f"\n{split}  {utterance.id}  {utterance.duration:.2f} s  {utterance.speaker}\n    {utterance.text}"
            print(console.visible(shown))
