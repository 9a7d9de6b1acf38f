"""The entry point: registers the commands and turns every outcome into an exit status."""

from __future__ import annotations

import contextlib
import errno
import functools
import io
import os
import sys
import tempfile
import traceback
from collections.abc import Iterator
from typing import Any

import typer
from typer.core import TyperGroup

from speechrnn import __version__
from speechrnn.cli import console
from speechrnn.errors import Interrupted, SpeechrnnError

NO_ROOM = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
"""What a write fails with, without naming its file, where the disk is full."""


class _Raised(Exception):
    """Carries an exception past Typer."""


@contextlib.contextmanager
def _past_typer() -> Iterator[None]:
    """Typer takes Ctrl-C, an early end of a file and a closed pipe for its own affair; out of this they come as they are."""
    try:
        yield
    except (KeyboardInterrupt, EOFError, OSError) as error:
        raise _Raised from error


class _Commands(TyperGroup):
    def make_context(self, *words: Any, **options: Any) -> Any:
        with _past_typer():
            return super().make_context(*words, **options)

    def invoke(self, ctx: Any) -> Any:
        with _past_typer():
            return super().invoke(ctx)


app = typer.Typer(
    name="speechrnn",
    help="Train, run and score recurrent recognizers of speech and other audio sequences.",
    cls=_Commands,
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(value: bool) -> None:
    if value:
        print(f"speechrnn {__version__}")
        raise typer.Exit()


@app.callback()
def _root(
    version: bool = typer.Option(False, "--version", callback=_version, is_eager=True, help="Print the version."),
    verbose: bool = typer.Option(False, "-v", "--verbose", help="Say more (anywhere on the line)."),
    quiet: bool = typer.Option(False, "-q", "--quiet", help="Only errors (anywhere on the line)."),
    debug: bool = typer.Option(False, "--debug", help="Show the full traceback of an error (anywhere on the line)."),
) -> None:
    pass


@functools.cache
def _register() -> None:
    from speechrnn.cli import align, data, doctor, evaluate, lexicon, lm, score, train, transcribe, tune

    doctor.register(app)
    data.register(app)
    train.register(app)
    transcribe.register(app)
    align.register(app)
    evaluate.register(app)
    score.register(app)
    lm.register(app)
    lexicon.register(app)
    tune.register(app)


def main(argv: list[str] | None = None) -> None:
    """Run the command line and exit with its status: 0, 1, 2, 70 or 130."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        # In a file or pipe results are UTF-8 on every platform, and a path that is no UTF-8 keeps its own bytes.
        sys.stdout.reconfigure(encoding=None if sys.stdout.isatty() else "utf-8", errors="surrogateescape")
    sys.exit(run(sys.argv[1:] if argv is None else argv))


def run(argv: list[str]) -> int:
    """Run the command line and return its status."""
    argv, debug = _take_global_flags(argv)
    try:
        _register()
        result = app(argv, prog_name="speechrnn", standalone_mode=False)
        print(end="", flush=True)
        return result if isinstance(result, int) else 0
    except _Raised as carried:
        return _conclude(carried.__cause__ or carried, argv, debug)
    except (Exception, KeyboardInterrupt) as error:
        return _conclude(error, argv, debug)


def _conclude(error: BaseException, argv: list[str], debug: bool) -> int:
    """Say what an exception means, and return its status."""
    if isinstance(error, BrokenPipeError):
        # The reader of our output (head, less) has gone: that is its right.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    usage = _usage_error(error)
    if usage is not None:
        return usage
    if debug:
        traceback.print_exception(error)
    if isinstance(error, KeyboardInterrupt):
        console.stopped()
        return Interrupted.exit_status
    if isinstance(error, Interrupted):
        console.stopped(error.message, error.remedy)
        return error.exit_status
    if isinstance(error, SpeechrnnError):
        console.error(error.message, error.remedy)
        return error.exit_status
    if isinstance(error, OSError) and (error.filename is not None or error.errno in NO_ROOM):
        # The system refuses a file: not for us to mend.
        console.error(
            f"{error.filename or 'a file or the output'}: {error.strerror}",
            "free some space, or choose a place where you may read and write",
        )
        return 1
    console.error(f"a fault of speechrnn's own: {type(error).__name__}: {error}", _save_traceback(error, argv))
    return 70


def _save_traceback(error: BaseException, argv: list[str]) -> str:
    """Keep the traceback in a file, and say where."""
    try:
        with tempfile.NamedTemporaryFile("w", prefix="speechrnn-", suffix=".log", delete=False, encoding="utf-8") as log:
            log.write(f"speechrnn {__version__}\nargv: {argv}\n")
            traceback.print_exception(error, file=log)
    except OSError as failure:
        return f"its traceback cannot be saved ({failure.strerror}); --debug shows it; please report it"
    return f"its traceback is in {log.name}; please report it"


def _usage_error(error: BaseException) -> int | None:
    """Typer's own errors (unknown option, missing argument), shown with its usage line; ``None`` for anything else."""
    if not hasattr(error, "exit_code"):
        return None
    if hasattr(error, "show"):
        error.show()
    return int(error.exit_code)


def _take_global_flags(argv: list[str]) -> tuple[list[str], bool]:
    """-v, -q and --debug are taken wherever they stand before ``--``."""
    end = argv.index("--") if "--" in argv else len(argv)
    head, tail = argv[:end], argv[end:]
    debug = "--debug" in head
    console.set_level(verbose="-v" in head or "--verbose" in head, quiet="-q" in head or "--quiet" in head)
    return [word for word in head if word not in {"-v", "--verbose", "-q", "--quiet", "--debug"}] + tail, debug
