"""The `dlmath` command: its sub-commands, and how errors become a line and an exit code."""

import os
import signal
import sys
import warnings
from contextlib import suppress
from types import FrameType
from typing import NoReturn

import typer

import dlmath
from dlmath.cli import (
    bench,
    check,
    data,
    doctor,
    drift,
    evaluate,
    explain,
    export,
    learn,
    new,
    predict,
    reproduce,
    runs,
    serve,
    train,
)
from dlmath.cli.output import ERR, OUT
from dlmath.cli.streams import is_full, is_refused, prepare_streams, silence_stdout
from dlmath.errors import DlmathError
from dlmath.terminal_text import quoted

EXIT_CODES = (
    "Exit codes: 0 done; 1 a fault of dlmath, or an export that is not the model; 2 the input, or "
    "an error of the audit; 3 training diverged; 4 the answer of a check is no (drift, doctor, "
    "check, reproduce, learn); 130 and 143 stopped by a signal, after saving; 141 the reader of a "
    "pipe left."
)
_READER_GONE = 141  # what a shell says of a program that SIGPIPE ended; Windows has no such signal

app = typer.Typer(
    name="dlmath",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    epilog=f"{EXIT_CODES} Research use only: not a medical device.",
)


def _print_version(wanted: bool) -> None:
    if wanted:
        OUT.line(f"dlmath {dlmath.__version__}")
        raise typer.Exit


@app.callback()
def root(
    _version: bool = typer.Option(
        False, "--version", callback=_print_version, is_eager=True, help="Print the version."
    ),
) -> None:
    """Train, evaluate and export medical image classifiers.

    Begin with: dlmath train pneumonia --data phantom
    """


for command in (
    train.train,
    new.new,
    evaluate.evaluate,
    predict.predict,
    explain.explain,
    export.export,
    serve.serve,
    reproduce.reproduce,
    check.check,
    doctor.doctor,
    drift.drift,
    bench.bench,
):
    app.command()(command)
app.add_typer(data.app, name="data")
app.add_typer(learn.app, name="learn")
app.add_typer(runs.app, name="runs")


def _leave(signal_number: int, _frame: FrameType | None) -> None:
    """Leave as after Ctrl-C: what was half written is cleared away, which the default does not."""
    sys.exit(128 + signal_number)


def _leave_refused(error: OSError) -> NoReturn:
    """Leave where the system does not let this user read or write a place."""
    ERR.error(
        f"The system refuses {error.filename}: {error.strerror}. Name another place, or set "
        "DLMATH_HOME where it is the cache, to a folder that you may write to."
    )
    sys.exit(2)


def _leave_full(error: OSError) -> NoReturn:
    """Leave where there is no room to write what a command says or makes."""
    place = error.filename or "the output of this command"
    silence_stdout()
    ERR.error(f"Cannot write {place}: {error.strerror}. Make room, or send it elsewhere.")
    sys.exit(2)


def _explain_dashes(refused: BaseException | None) -> None:
    """Say of what was refused as an option that it is a file, if there is one of that name."""
    if not hasattr(refused, "option_name"):  # Typer's error of an option that there is not
        return
    files = [one for one in sys.argv[1:] if one.startswith("-") and os.path.lexists(one)]
    if files:
        ERR.line(
            f"{files[0]!r} is a file here, whose name begins with a dash as options do. Write "
            f"{quoted(f'./{files[0]}')}, or -- before the first file."
        )


def main() -> None:
    """Run the command line and exit with one of `EXIT_CODES`."""
    # TensorFlow logs a missing GPU and its build flags as errors; real ones come as exceptions
    # too. Only a program may silence that, not a library.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    # Pillow warns of damage that the audit names, with the file, which Pillow does not.
    warnings.filterwarnings("ignore", module="PIL")
    signal.signal(signal.SIGTERM, _leave)
    prepare_streams()
    try:
        app()
    except SystemExit as leaving:
        if isinstance(leaving.__context__, BrokenPipeError):  # as of `| head`: no fault
            sys.exit(_READER_GONE)
        _explain_dashes(leaving.__context__)
        raise
    except DlmathError as error:
        if os.environ.get("DLMATH_DEBUG") == "1":
            raise
        with suppress(OSError):  # where stderr cannot be written, the exit code is all that is said
            ERR.error(str(error))
        sys.exit(error.exit_code)
    except Exception as error:
        if os.environ.get("DLMATH_DEBUG") == "1":
            raise
        if isinstance(error, OSError) and is_full(error):
            _leave_full(error)
        if isinstance(error, OSError) and is_refused(error):
            _leave_refused(error)
        ERR.line(
            f"dlmath failed: {type(error).__name__}: {error}\n"
            "This is a fault of dlmath. DLMATH_DEBUG=1 shows where it happened.",
        )
        sys.exit(1)


if __name__ == "__main__":
    main()
