"""``speechrnn align``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import typer

from speechrnn.errors import UsageError, listed

if TYPE_CHECKING:
    from speechrnn.jobs.compare_alignments import Comparison


def register(app: typer.Typer) -> None:
    app.command("align")(align)


def align(
    path: Path = typer.Argument(
        ..., metavar="PATH", help="A recording, a folder of recordings, or a manifest. With --compare: an alignment."
    ),
    text: str | None = typer.Argument(
        None, metavar="TEXT", help="What is said: a text file, the text itself, or a folder of text files. [default: beside PATH]"
    ),
    model: Path | None = typer.Option(None, "-m", "--model", metavar="MODEL", help="Model or run directory."),
    formats: str = typer.Option(
        "TextGrid", "-f", "--format", metavar="FORMAT", help="TextGrid, ctm, json, eaf, …, several with commas, or all."
    ),
    out: Path | None = typer.Option(
        None, "-o", "--out", metavar="DIR", help="Write files here, or of a manifest a manifest, NAME.jsonl.gz; else print."
    ),
    scores: Path | None = typer.Option(
        None, "--scores", metavar="FILE", help="Write here how well each text fits, the worst first."
    ),
    states: bool = typer.Option(
        False,
        "--states",
        help="Where a network names tokens and blanks, not durations; of a hidden Markov model its tied states.",
    ),
    compare: bool = typer.Option(False, "--compare", help="Print how far the boundaries of two alignments lie apart."),
    device: str = typer.Option("auto", help="auto, cpu or cuda."),
    threads: int | None = typer.Option(None, "--threads", min=1, help="Cores to compute on. [default: all]"),
    overwrite: bool = typer.Option(False, "--overwrite", help="Replace files that stand in the output folder already."),
) -> None:
    """Find when the words and sounds of a text are spoken in its recording.

    Lines of the text become segments. Each text gets a score (0: the model hears just this; below -2: look at it), and those that
    hardly fit are named. A recording that cannot be aligned is named, the others are done, and the exit status is 1.

    With --compare PATH and TEXT are two alignments: manifests, files with times (TextGrid, ctm, json, eaf, tsv), or folders of
    such files. The second is measured against the first.

    \b
    Examples:
      speechrnn align story.wav story.txt -m runs/own -o aligned/
      speechrnn align recordings/ -m runs/own -f TextGrid,ctm -o aligned/
      speechrnn align data/mboshi/cuts_test.jsonl.gz -m runs/mboshi/full -o aligned/
      speechrnn align data/an4/cuts_train.jsonl.gz -m runs/an4/hmm --states -o data/an4-states/cuts_train.jsonl.gz
      speechrnn align --compare data/mboshi/cuts_test.jsonl.gz aligned/
    """
    if compare:
        if text is None:
            raise UsageError("--compare takes two alignments", "give the second one, too")
        _compare(path, Path(text))
        return
    if model is None:
        raise UsageError("no model is given", "give one with -m, or --compare to compare two alignments")
    _align(path, text, model, formats, out, scores, states, device, threads, overwrite)


def _align(
    path: Path,
    text: str | None,
    model: Path,
    formats: str,
    out: Path | None,
    scores: Path | None,
    states: bool,
    device: str,
    threads: int | None,
    overwrite: bool,
) -> None:
    import hashlib

    from speechrnn.cli import console
    from speechrnn.cli.destinations import Destination, Folder, Manifest, Printed
    from speechrnn.decoding.forced import MISMATCH
    from speechrnn.jobs import align as job
    from speechrnn.jobs.references import text_source
    from speechrnn.recognizer import load, set_threads
    from speechrnn.transcripts.registry import choose

    if scores is not None and scores.exists() and not overwrite:
        raise UsageError(f"{scores} would be replaced", "give another file with --scores, or --overwrite if that is meant")
    chosen = choose(formats)
    set_threads(threads)
    recognizer = load(model, device)
    job.check_aligns(recognizer)
    tasks = {task.source: task for task in job.tasks(path, text, text_source(recognizer))}
    destination: Destination
    if out is not None and out.name.endswith(job.MANIFESTS):
        if not path.name.endswith(job.MANIFESTS):
            raise UsageError(f"{out} is a manifest, and {path} is none", "align a manifest, or give a folder with -o")
        destination = Manifest(path, out, list(tasks), states=states, overwrite=overwrite)
    elif out is not None:
        destination = Folder(list(tasks), out, chosen, overwrite=overwrite)
    else:
        destination = Printed(list(tasks), chosen, formats)
    texts = hashlib.sha256("\0".join(task.text for task in tasks.values()).encode("utf-8", "surrogatepass")).hexdigest()
    # What an interrupted call has done counts again where it is to be told of, and where it says how a speaker sounds.
    voices = {task.clip.voice for task in tasks.values()}
    anew = scores is not None or (recognizer.hears_speakers and len(voices) < len(tasks))
    left = destination.begin({"model": recognizer.id, "format": formats, "states": str(states), "texts": texts}, anew=anew)
    failed = 0
    fits: list[tuple[str, float]] = []
    for aligned in job.align(recognizer, [tasks[source] for source in left], states=states, track=console.track):
        errors = [aligned.result.error] if aligned.result.error is not None else destination.put(aligned.result)
        for error in errors:
            console.error(error.message, error.remedy)
        failed += bool(errors)
        if not errors:
            fits.append((aligned.result.source.id, aligned.score))
    destination.end()
    fits.sort(key=lambda entry: (entry[1], entry[0]))
    if scores is not None:
        job.write_scores(scores, fits)
    if out is not None:
        console.logger.info("%d of %d recordings aligned into %s", len(tasks) - failed, len(tasks), out)
    doubtful = [f"{name} ({score:.1f})" for name, score in fits if score < MISMATCH]
    if doubtful:
        console.logger.warning(
            "%d of %d texts are hardly what is spoken; compare with speechrnn transcribe: %s",
            len(doubtful), len(fits), listed(doubtful, 10),
        )  # fmt: skip
    if failed:
        raise typer.Exit(1)


def _compare(a: Path, b: Path) -> None:
    from speechrnn.cli import console
    from speechrnn.jobs.compare_alignments import compare
    from speechrnn.scoring.boundaries import WITHIN_MS

    found = compare(a, b)
    header = ["level", "boundary", "pairs", "offset ms", "|difference| ms", "95 % interval", "less offset"]
    rows = [
        [
            row.level,
            row.boundary,
            row.distance.count,
            f"{row.distance.offset:+.1f}",
            f"{row.distance.median:.1f}",
            f"{row.distance.low:.1f} - {row.distance.high:.1f}",
            f"{row.distance.centered:.1f}",
            *(f"{share:.1f}" for share in row.distance.within),
        ]
        for row in found.rows
    ]
    print(console.table(rows, [*header, *(f"<= {limit} ms %" for limit in WITHIN_MS)]))
    for line in _left_out(found):
        console.logger.info("%s", line)


def _left_out(found: Comparison) -> list[str]:
    lines = [f"{found.recordings} recordings; medians; differences are second minus first"]
    for level, (a, b) in found.alone.items():
        if a or b:
            lines.append(f"{level}s without a partner: {a} of the first, {b} of the second alignment")
    for which, names in (("first", found.only_a), ("second", found.only_b)):
        if names:
            lines.append(f"only in the {which}: {len(names)} recordings: {listed(names, 5)}")
    return lines
