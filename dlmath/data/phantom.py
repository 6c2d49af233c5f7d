"""Phantoms: drawn stand-ins for the data sets of tasks, as files on disk with patients and splits.

They let everything be tried without a network and tested in seconds. They say nothing about
real images: PHANTOM.json in the folder says what it is, and reports repeat it.
"""

import importlib
from pathlib import Path

import numpy as np

from dlmath.data.class_folders import PHANTOM_MARKER
from dlmath.data.phantom_drawing import Drawing
from dlmath.data.phantom_truth import Truth, write_truth
from dlmath.data.placing import atomic_folder, clear_place
from dlmath.errors import DataError, did_you_mean
from dlmath.models.recipes import TASKS
from dlmath.reporting import Progress
from dlmath.runs import write_json
from dlmath.seeds import generator

VERSION = 1  # raised whenever a seed draws other pictures than before
FEWEST_PATIENTS = 10  # fewer leave some split without a class
_SIZE = 224  # of films, unless another is asked for
SMALLEST_FILM = 64  # below that ribs are thinner than pixels


def write_phantoms(
    task: str,
    out: Path,
    *,
    patients: int | None = None,
    difficulty: float = 0.5,
    seed: int = 0,
    image_size: int = _SIZE,
    progress: Progress | None = None,
) -> Path:
    """Draw a data set into the folder `out`, named and laid out as the real one is.

    pneumonia: `{train,test}/{NORMAL,PNEUMONIA}/*.jpeg`, no patient in both parts; malaria:
    `{Parasitized,Uninfected}/*.png`, infected patients with cells of both classes. Next to them
    `PHANTOM.json` says what this is and `truth.csv` where the findings lie. The same arguments
    give the same bytes. The folder appears whole or not at all.

    Args:
        task: Its name, such as `pneumonia`.
        out: Folder to make: absent or empty.
        patients: How many; by default as many as give about 400 films or 1,000 cells.
        difficulty: 0 (obvious) to 1 (faint findings among look-alikes).
        seed: Another seed gives other patients.
        image_size: Height and width of films. Cells vary in size as real ones do.
        progress: Called after each picture with (done, total).

    Returns:
        `out`.

    Raises:
        DataError: An argument is out of its range, or `out` is not empty.

    Example:
        >>> from pathlib import Path

    import numpy as np
        >>> from dlmath.data import write_phantoms
        >>> folder = write_phantoms("malaria", Path("cells"), patients=30)
        >>> sorted(path.name for path in folder.iterdir())
        ['PHANTOM.json', 'Parasitized', 'Uninfected', 'truth.csv']
    """
    drawing = _drawing_of(task)
    _check(patients, difficulty, image_size)
    patients = patients or drawing.patients
    plan = drawing.plan(generator(seed, "phantom", task), patients)
    clear_place(Path(out))
    with atomic_folder(Path(out)) as folder:
        truths = []
        for done, picture in enumerate(plan, start=1):
            encoded, mask = drawing.draw(seed, picture, difficulty, image_size)
            _write(folder / picture.file, encoded)
            if picture.finding:
                truths.append(Truth(picture.file, picture.finding, mask))
            if progress:
                progress(done, len(plan))
        write_truth(folder, truths)
        what = {"phantom": True, "task": task, "version": VERSION, "seed": seed}
        write_json(
            folder / PHANTOM_MARKER, {**what, "patients": patients, "difficulty": difficulty}
        )
    return Path(out)


def draw_samples(folder: Path, number: int) -> list[Path]:
    """Draw `number` pictures of each task that has a drawing, as files right in `folder`.

    They are spread over the patients and findings of the usual phantom.
    """
    files = []
    for task in (name for name, one in TASKS.items() if one.drawing):
        drawing = _drawing_of(task)
        plan = drawing.plan(generator(0, "phantom", task), drawing.patients)
        for row in np.linspace(0, len(plan) - 1, number).round().astype(int):
            encoded, _ = drawing.draw(0, plan[row], 0.5, _SIZE)
            files.append(folder / f"{task}-{row}{Path(plan[row].file).suffix}")
            _write(files[-1], encoded)
    return files


def _drawing_of(task: str) -> Drawing:
    drawn = [name for name, one in TASKS.items() if one.drawing]
    if task not in drawn:
        commands = (f"dlmath data phantom {name} --out DIR" for name in drawn)
        raise DataError(
            f"There is no phantom of this task. Received: task={task!r}."
            f"{did_you_mean(task, drawn)} Draw one with: {', or: '.join(commands)}"
        )
    module, _, name = TASKS[task].drawing.partition(":")
    drawing: Drawing = getattr(importlib.import_module(module), name)
    return drawing


def _check(patients: int | None, difficulty: float, image_size: int) -> None:
    if patients is not None and patients < FEWEST_PATIENTS:
        raise DataError(
            f"A phantom needs at least {FEWEST_PATIENTS} patients, or some split has none of a "
            f"class. Received: patients={patients}."
        )
    if not 0 <= difficulty <= 1:  # also catches nan
        raise DataError(
            "The difficulty of a phantom lies between 0 (obvious) and 1 (faint). "
            f"Received: difficulty={difficulty}."
        )
    if image_size < SMALLEST_FILM:
        raise DataError(
            f"Films of less than {SMALLEST_FILM} pixels show nothing. "
            f"Received: image_size={image_size}."
        )


def _write(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
