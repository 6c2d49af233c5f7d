"""Doubts whether names taken for patients are patients.

A guess that is too coarse leaks nothing and is kept, but the number of patients, and every interval
that rests on it, are wrong: so it is said aloud.
"""

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from statistics import median

from dlmath.data.listing import counted, listed
from dlmath.names import look_alikes

# A patient with more than so many times the images of the median patient may be several: `NORMAL2`,
# read from NORMAL2-IM-0001, has 830 of the 5,540 chest X-rays, where the median patient has one.
# Single patients may have many too (31 of these X-rays), but then they are a small share of the
# whole, and weigh little in any part: so a share is asked for as well, a third of a part of 15 %.
FAR_MORE = 10
LARGE_SHARE = 0.05

# Of the patients that read as dates. Of numbers of eight digits 0.1 % are dates, of six 4 %, and of
# four 2 % are years: half of them by chance is out of the question.
DATES = 0.5

_FORMATS = ("%Y%m%d", "%d%m%Y", "%m%d%Y", "%y%m%d", "%d%m%y", "%Y%m%d%H%M%S", "%Y%m%d%H%M")
_YEARS = range(1900, 2100)
_BEFORE = re.compile(r"^[A-Za-z]*[ _-]*")  # IMG_20240131
_WITH_TIME = re.compile(r"(?P<day>.*\d)[ _T-]+\d{4,6}")  # 20240131_104722


def doubts(patients: Sequence[str | None]) -> tuple[str, ...]:
    """Return why (N,) names may not be those of patients, a sentence each.

    A patient with far more images than the others may stand for several, and a date for all who
    came on that day, once more with each visit; `3` and `3.0`, or `P1` and `p1`, may be one. None
    stands for a patient who is not known.
    """
    images = Counter(patient for patient in patients if patient is not None)
    return (*_too_large(images), *_dates(images), *_alike(images))


def reads_as_date(name: str) -> bool:
    """Return whether a name is a date or a year, such as 20240131, IMG_2024-01-31 or 2024."""
    text = _BEFORE.sub("", name)
    if not re.fullmatch(r"[\d ._T-]+", text):
        return False
    with_time = _WITH_TIME.fullmatch(text)
    candidates = [text, with_time["day"]] if with_time else [text]
    return any(_is_date(re.sub(r"\D", "", candidate)) for candidate in candidates)


def _is_date(digits: str) -> bool:
    if len(digits) == 4:
        return int(digits) in _YEARS
    return any(_is_of_form(digits, form) for form in _FORMATS)


def _is_of_form(digits: str, form: str) -> bool:
    if len(digits) != len(datetime(2024, 12, 31).strftime(form)):
        return False
    try:
        return datetime.strptime(digits, form).year in _YEARS
    except ValueError:
        return False


def _too_large(images: Mapping[str, int]) -> Iterator[str]:
    if not images:
        return
    total, middle = sum(images.values()), 1 if len(images) == 1 else median(images.values())
    large = [
        patient
        for patient, number in sorted(images.items(), key=lambda item: (-item[1], item[0]))
        if number > FAR_MORE * middle and number >= LARGE_SHARE * total
    ]
    if large:
        held = f"{images[large[0]]:,} of the {total:,} images, where the median patient has"
        one = len(large) == 1
        yield (
            f"{listed(large)} may be several patients{'' if one else ' each'}: "
            f"{'it has' if one else 'they have up to'} {held} {middle:g}. Check how the patients "
            "are read."
        )


def _dates(images: Mapping[str, int]) -> Iterator[str]:
    dates = sorted(patient for patient in images if reads_as_date(patient))
    if dates and len(dates) >= DATES * len(images):
        yield (
            f"{len(dates):,} of the {counted(len(images), 'patient')} read as dates, such as "
            f"{dates[0]}. A date is no patient: images of one patient may be on both sides of a "
            "split. Check how the patients are read."
        )


def _alike(images: Mapping[str, int]) -> Iterator[str]:
    if groups := look_alikes(images):
        names = [" and ".join(map(repr, group)) for group in groups]
        yield (
            f"{counted(len(groups), 'patient')} may be written in several ways: {listed(names)}. "
            "As they are, they count as different, and images of one patient may be on both sides "
            "of a split. Write them alike."
        )
