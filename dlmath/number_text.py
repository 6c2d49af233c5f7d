"""Text of a number with its 95 % interval, the same wherever it is printed."""

# Styles of one text: with a heading that says what is in the brackets, and in a sentence.
PLAIN = "{} ({} to {})"
SENTENCE = "{} (95 % interval {} to {})"


def estimate_text(
    value: float | None,
    low: float | None,
    high: float | None,
    *,
    form: str = ".3f",
    style: str = PLAIN,
) -> str:
    """Return a number with its interval in one text, such as `0.912 (0.880 to 0.941)`.

    Args:
        value: The number; None where it is undefined.
        low: The interval's lower end; None where there is no interval.
        high: Its upper end; None as `low`.
        form: Of each number, as `format` takes it.
        style: `PLAIN` or `SENTENCE`.
    """
    if value is None or low is None or high is None:
        return value_text(value, form)
    return style.format(*(format(number, form) for number in (value, low, high)))


def estimate_cells(
    value: float | None,
    low: float | None,
    high: float | None,
    *,
    form: str = ".3f",
    missing: str = "",
) -> tuple[str, str]:
    """Return a number and its interval as two cells of a table.

    Args:
        value: The number; None where it is undefined.
        low: The interval's lower end; None where there is no interval.
        high: Its upper end; None as `low`.
        form: Of each number, as `format` takes it.
        missing: What the second cell says where there is no interval.
    """
    if value is None or low is None or high is None:
        return value_text(value, form), missing
    return value_text(value, form), interval_text(low, high, form)


def interval_text(low: float, high: float, form: str = ".3f") -> str:
    """Return an interval, such as `0.880 to 0.941`."""
    return f"{low:{form}} to {high:{form}}"


def value_text(value: float | None, form: str = ".3f") -> str:
    """Return a number without its interval; None is undefined."""
    return "undefined" if value is None else format(value, form)
