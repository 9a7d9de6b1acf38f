"""``speechrnn lexicon``: pronunciations of words."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path

import typer


class Alphabet(StrEnum):
    """What phones are written in."""

    IPA = "ipa"
    ARPABET = "arpabet"


def register(app: typer.Typer) -> None:
    app.command("lexicon", no_args_is_help=True)(lexicon)


def lexicon(
    words: list[str] = typer.Argument(None, metavar="[WORD...]", help="Words to pronounce."),
    texts: list[Path] = typer.Option([], "--text", metavar="FILE", help="All words of this text or manifest, too; repeat."),
    known: Path | None = typer.Option(
        None, "--lexicon", metavar="FILE", help="Pronunciations that are known: only what it lacks is asked of eSpeak NG."
    ),
    language: str = typer.Option("en-us", metavar="VOICE", help="Voice of eSpeak NG: en-us, en-gb-x-rp, de, fr, es, sw, …"),
    alphabet: Alphabet = typer.Option(Alphabet.IPA, help="arpabet: English only."),
    stress: bool = typer.Option(False, "--stress", help="Keep stress: ˈ and ˌ, in ARPAbet 0, 1 and 2."),
    out: Path | None = typer.Option(None, "-o", "--out", metavar="FILE", help="Write the lexicon here; else print it."),
) -> None:
    """Make a lexicon: a line WORD<TAB>ph ph ph for each pronunciation.

    Needs the extra synth where the lexicon does not have all words. Words that cannot be pronounced (no letters, another script,
    phones that ARPAbet lacks) are named, the others are done, and the exit status is 1.

    \b
    Examples:
      speechrnn lexicon water bottle --alphabet arpabet
      speechrnn lexicon --text data/own/cuts_train.jsonl.gz --text more.txt --lexicon own.txt --language sw -o lexicon.txt
    """
    from speechrnn.cli import console
    from speechrnn.errors import UsageError
    from speechrnn.jobs.lm import read_sentences
    from speechrnn.lm.units import Splitter, UnitOptions
    from speechrnn.text.g2p import pronunciations
    from speechrnn.text.lexicon import lines, read_lexicon, write_lexicon

    given = [part for word in words or [] for part in word.split()]
    splitter = Splitter(UnitOptions("word"))
    for path in texts:
        given += [word for _, sentence in read_sentences(path, splitter, track=console.track) for word in sentence]
    if not given:
        raise UsageError("no words", "give words, or --text FILE")
    found = pronunciations(given, language, read_lexicon(known) if known else {}, alphabet.value, stress=stress)
    if out is None:
        print("".join(lines(found.lexicon)), end="")
    elif found.lexicon:
        write_lexicon(out, found.lexicon)
        console.logger.info("wrote %s: %d words, %d of them by eSpeak NG", out, len(found.lexicon), len(found.by_rule))
    for word, reason in found.unknown.items():
        console.error(f"{word}: {reason}", "write its pronunciation into the lexicon by hand")
    if found.unknown:
        raise typer.Exit(1)
