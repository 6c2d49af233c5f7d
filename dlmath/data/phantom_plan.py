"""Plan of a phantom's pictures: patients, classes, splits and names like the real sets'."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

TEST_FRACTION = 0.2  # of the patients in each group
NORMAL_FRACTION = 0.4  # of pneumonia's patients
HEALTHY_FRACTION = 0.25  # of malaria's patients: 50 of the real 200
FILMS_SHARES = (0.6, 0.25, 0.15)  # patients with one, two and three films
CELLS = 20  # of one malaria patient
PARASITIZED_SHARE = (0.5, 0.75)  # of an infected patient's cells


@dataclass(frozen=True)
class Planned:
    """One picture to draw."""

    file: str  # relative to the phantom's folder, with forward slashes
    patient: str
    finding: str | None  # bacteria, virus, parasite, or None


def plan_films(generator: np.random.Generator, patients: int) -> list[Planned]:
    """Plan `{train,test}/{NORMAL,PNEUMONIA}/*.jpeg`, each patient in one part only.

    No number is used twice, not even for another kind of pneumonia, so that the strict
    reading of patients loses no film.
    """
    normal = round(NORMAL_FRACTION * patients)
    virus = (patients - normal) // 2
    groups = {None: normal, "bacteria": patients - normal - virus, "virus": virus}
    numbers = iter(generator.permutation(np.arange(1, 4 * patients)).tolist())
    films = iter(range(1, 3 * patients + 1))
    planned = []
    for finding, size in groups.items():
        for index in range(size):
            part = "test" if index < max(1, round(TEST_FRACTION * size)) else "train"
            folder = f"{part}/{'PNEUMONIA' if finding else 'NORMAL'}"
            count = 1 + int(generator.choice(len(FILMS_SHARES), p=FILMS_SHARES))
            if finding:
                patient = f"person{next(numbers)}"
                names = [f"{patient}_{finding}_{next(films)}" for _ in range(count)]
            else:
                patient = f"{generator.choice(('IM', 'NORMAL2-IM'))}-{next(numbers):04d}"
                names = _normal_names(patient, count)
            planned += [Planned(f"{folder}/{name}.jpeg", patient, finding) for name in names]
    return planned


def _normal_names(patient: str, count: int) -> list[str]:
    if count == 1:
        return [f"{patient}-0001"]
    return [f"{patient}-0001-{film:04d}" for film in range(1, count + 1)]


def plan_cells(generator: np.random.Generator, patients: int) -> list[Planned]:
    """Plan `{Parasitized,Uninfected}/*.png`; infected patients have cells of both classes."""
    healthy = round(HEALTHY_FRACTION * patients)
    planned = []
    for number in range(1, patients + 1):
        share = 0.0 if number <= healthy else generator.uniform(*PARASITIZED_SHARE)
        photograph = f"C{number}P{number}thinF_IMG_{_moment(generator)}"
        cells = _cell_numbers(generator)
        for index in range(CELLS):
            folder, finding = (
                ("Parasitized", "parasite") if index < share * CELLS else ("Uninfected", None)
            )
            file = f"{folder}/{photograph}_cell_{next(cells)}.png"
            planned.append(Planned(file, f"C{number}", finding))
    return planned


def _moment(generator: np.random.Generator) -> str:
    """Return the time of a photograph as the collection's names write it."""
    month, day = generator.integers((1, 1), (13, 29))
    hour, minute, second = generator.integers((9, 0, 0), (18, 60, 60))
    return f"2015{month:02d}{day:02d}_{hour:02d}{minute:02d}{second:02d}"


def _cell_numbers(generator: np.random.Generator) -> Iterator[int]:
    """Numbers of the cells cut out of one photograph, of some 250 on it."""
    return iter(generator.permutation(np.arange(1, 251)).tolist())
