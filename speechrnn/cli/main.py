"""The entry point: registers the commands and turns every outcome into an exit status."""

from __future__ import annotations

import os
import sys
import tempfile
import traceback

import typer

from speechrnn import __version__
from speechrnn.cli import console
from speechrnn.errors import SpeechrnnError

app = typer.Typer(
    name="speechrnn",
    help="Train, run and score recurrent recognizers of speech and other audio sequences.",
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


def _register() -> None:
    from speechrnn.cli import data, doctor, evaluate, score, train, transcribe

    doctor.register(app)
    data.register(app)
    train.register(app)
    transcribe.register(app)
    evaluate.register(app)
    score.register(app)


def main(argv: list[str] | None = None) -> None:
    """Run the command line and exit with its status: 0, 1, 2, 70 or 130."""
    sys.exit(run(sys.argv[1:] if argv is None else argv))


def run(argv: list[str]) -> int:
    """Run the command line and return its status."""
    argv, debug = _take_global_flags(argv)
    _register()
    try:
        result = app(argv, standalone_mode=False)
        return result if isinstance(result, int) else 0
    except SpeechrnnError as error:
        if debug:
            traceback.print_exc()
        console.error(error.message, error.remedy)
        return error.exit_status
    except KeyboardInterrupt:
        console.error("stopped", "")
        return 130
    except BrokenPipeError:
        # The reader of our output (head, less) has gone: that is its right.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Exception as error:
        usage = _usage_error(error)
        if usage is not None:
            return usage
        if debug:
            traceback.print_exc()
        with tempfile.NamedTemporaryFile("w", prefix="speechrnn-", suffix=".log", delete=False, encoding="utf-8") as log:
            log.write(f"speechrnn {__version__}\nargv: {argv}\n")
            traceback.print_exc(file=log)
        console.error(
            f"a fault of speechrnn's own: {type(error).__name__}: {error}", f"its traceback is in {log.name}; please report it"
        )
        return 70


def _usage_error(error: Exception) -> int | None:
    """Typer's own errors (unknown option, missing argument), shown with its usage line; ``None`` for anything else."""
    if not hasattr(error, "exit_code"):
        return None
    if hasattr(error, "show"):
        error.show()
    elif type(error).__name__ == "Abort":
        return 130
    return int(error.exit_code)


def _take_global_flags(argv: list[str]) -> tuple[list[str], bool]:
    """-v, -q and --debug are taken wherever they stand before ``--``."""
    end = argv.index("--") if "--" in argv else len(argv)
    head, tail = argv[:end], argv[end:]
    debug = "--debug" in head
    console.set_level(verbose="-v" in head or "--verbose" in head, quiet="-q" in head or "--quiet" in head)
    return [word for word in head if word not in {"-v", "--verbose", "-q", "--quiet", "--debug"}] + tail, debug
