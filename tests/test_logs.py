import logging
import re
import warnings

import pytest

from dlmath.errors import DataError, Stopped
from dlmath.logs import DETAILS, LOGGER, NAME, attached, logged
from dlmath.reporting import SILENT, Reporter

LINE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+00:00 (INFO|WARNING|ERROR) +\S.*")


class Ears(Reporter):
    def __init__(self):
        self.heard = []

    def say(self, message):
        self.heard.append(message)

    def progress(self, task, done, total, note=""):
        self.heard.append((task, done, total, note))


def text(run):
    return (run.folder / NAME).read_text(encoding="utf-8")


def test_what_is_said_is_passed_on_and_written_down(tiny_run):
    ears = Ears()
    with logged(tiny_run, ears) as log:
        log.say("epoch 1/2  loss 0.5")
        log.say("Warning: few images")
        log.progress("reading", 1, 2)
        log.progress("reading", 2, 2, "9 images/s")

    lines = text(tiny_run).splitlines()
    assert all(LINE.fullmatch(line) for line in lines)
    assert [line.split(" ", 1)[1] for line in lines[-4:]] == [
        "INFO    epoch 1/2  loss 0.5",
        "WARNING few images",
        "INFO    reading: 2 of 2  9 images/s",
        "INFO    Done.",
    ]
    assert "tensorflow" in text(tiny_run)
    assert "epoch 1/2  loss 0.5" in ears.heard
    assert ("reading", 1, 2, "") in ears.heard
    assert "Done." not in ears.heard  # which only those see who ask for details


def test_a_warning_of_python_is_written_down_and_shown(tiny_run, monkeypatch):
    shown = []
    monkeypatch.setattr(warnings, "showwarning", lambda *arguments: shown.append(arguments))
    before = warnings.showwarning
    with warnings.catch_warnings(), logged(tiny_run, SILENT):
        warnings.simplefilter("always")
        warnings.warn("it creaks", RuntimeWarning, stacklevel=1)

    assert "WARNING RuntimeWarning: it creaks" in text(tiny_run)
    assert len(shown) == 1
    assert warnings.showwarning is before


def test_a_fault_of_ours_leaves_its_traceback(tiny_run):
    with pytest.raises(ZeroDivisionError), logged(tiny_run, SILENT):
        _ = 1 / 0

    assert "ERROR   ZeroDivisionError: division by zero" in text(tiny_run)
    assert "Traceback" in text(tiny_run)
    assert all(LINE.fullmatch(line) for line in text(tiny_run).splitlines())
    assert "Done." not in text(tiny_run)


def test_an_error_of_the_user_is_one_line(tiny_run):
    with pytest.raises(DataError), logged(tiny_run, SILENT):
        raise DataError("no images")
    assert text(tiny_run).endswith("ERROR   DataError: no images\n")


def test_a_stop_is_no_error(tiny_run):
    with pytest.raises(Stopped), logged(tiny_run, SILENT):
        raise Stopped("Stopped in epoch 1", 15)
    assert "ERROR" not in text(tiny_run)
    assert "INFO    Stopped in epoch 1" in text(tiny_run)


def test_the_place_of_the_run_is_left_out(tiny_run):
    with logged(tiny_run, SILENT) as log:
        log.say(f"kept in {tiny_run.model_path}")
    assert "kept in tiny/model.keras" in text(tiny_run)
    assert str(tiny_run.folder) not in text(tiny_run)


def test_a_log_that_cannot_be_written_ends_nothing(tiny_run):
    (tiny_run.folder / NAME).mkdir()
    ears = Ears()
    with logged(tiny_run, ears) as log:
        log.say("on we go")
    assert "on we go" in ears.heard


def test_a_resumed_run_goes_on_in_the_same_log(tiny_run):
    for _ in range(2):
        with logged(tiny_run, SILENT):
            pass
    assert text(tiny_run).count("Done.") == 2


def test_the_library_shows_nothing_unless_asked(tiny_run, capfd):
    DETAILS.warning("to those who attach a handler")
    with logged(tiny_run, SILENT) as log:
        log.say("Warning: few images")
    assert capfd.readouterr().err == ""
    assert [type(handler) for handler in LOGGER.handlers] == [logging.NullHandler]
    assert LOGGER.level == logging.NOTSET


def test_whoever_attaches_a_handler_receives_what_is_logged(tiny_run, caplog):
    caplog.set_level(logging.INFO, "dlmath")
    with logged(tiny_run, SILENT) as log:
        log.say("Warning: few images")
    assert ("dlmath.news", logging.WARNING, "few images") in caplog.record_tuples
    assert caplog.record_tuples[-1] == ("dlmath.details", logging.INFO, "Done.")


def test_handlers_that_other_libraries_gave_the_root_show_nothing(tiny_run, capsys):
    handler = logging.StreamHandler()
    logging.getLogger().addHandler(handler)
    try:
        with logged(tiny_run, SILENT) as log:
            log.say("epoch 1/2")
    finally:
        logging.getLogger().removeHandler(handler)
    assert capsys.readouterr().err == ""
    assert LOGGER.propagate


def test_a_handler_goes_with_its_block():
    messages = []

    class Kept(logging.Handler):
        def emit(self, record):
            messages.append(record.getMessage())

    with attached(Kept()):
        DETAILS.info("%d images", 3)
        DETAILS.debug("too fine")
    DETAILS.info("after")
    assert messages == ["3 images"]


def test_the_log_passes_on_what_native_code_needs_to_be_quiet(tiny_run):
    class Quiet(Reporter):
        def quietly(self):
            return "its own"

    with logged(tiny_run, Quiet()) as log:
        assert log.quietly() == "its own"
