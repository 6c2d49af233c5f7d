"""Class balance: counts of images and patients of each class, overall and by part."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence

from dlmath.audit.findings import Finding
from dlmath.data.listing import counted, listed
from dlmath.data.patients import patient_count, unit_of
from dlmath.data.sources import ImageRecord

# From here on a classifier that never says the rare class is right for nine images in ten, and a
# batch of 32 holds fewer than three of it.
RATIO = 10
# Below it, 15 % of the patients are a single one: nothing can be said of patients in general.
PATIENTS = 10
# Of the share of a class between two parts on disk: it moves the best threshold and the accuracy.
SHARE = 0.1
# Parts of fewer images have such differences by chance.
IMAGES = 50


def check_balance(examples: Sequence[ImageRecord], classes: Sequence[str]) -> list[Finding]:
    """Count the classes, and warn where one is rare or has few patients.

    Args:
        examples: What to count, whether it can be read or not.
        classes: Their names; one that has no image is counted too.

    Returns:
        `class-balance`, a note or, where the largest class has ten times the images of the
        smallest, a warning. `few-patients`, a warning, where a class has fewer than ten, or than
        ten images where no patient is known. Notes
        `parts-differ`, for shares that are 0.1 apart, and `patients-of-several-classes`.
    """
    if not examples:
        return []
    return [
        _balance(examples, classes),
        *_few_patients(examples, classes),
        *_parts_differ(examples, classes),
        *_of_several_classes(examples),
    ]


def _counts(examples: Sequence[ImageRecord], classes: Sequence[str]) -> dict[str, int]:
    images = Counter(example.label for example in examples)
    return {name: images[name] for name in classes}


def _by_part(examples: Sequence[ImageRecord]) -> dict[str, list[ImageRecord]]:
    parts = defaultdict(list)
    for example in examples:
        parts[example.part or "all"].append(example)
    return parts


def _patients(examples: Sequence[ImageRecord], classes: Sequence[str]) -> dict[str, int | None]:
    """Count the patients of each class; None where not every one is known."""
    of = {name: [e.patient for e in examples if e.label == name] for name in classes}
    return {name: patient_count(patients) if patients else 0 for name, patients in of.items()}


def _balance(examples: Sequence[ImageRecord], classes: Sequence[str]) -> Finding:
    images = _counts(examples, classes)
    most, least = max(images, key=images.__getitem__), min(images, key=images.__getitem__)
    rare = images[most] >= RATIO * images[least]
    told = ", ".join(f"{name} {number:,}" for name, number in images.items())
    return Finding(
        kind="class-balance",
        severity="warning" if rare else "note",
        message=(
            f"{least} is rare next to {most}: {told} images. Always answering {most} would be "
            f"right for {images[most] / len(examples):.0%}."
            if rare
            else f"Images by class: {told}."
        ),
        advice=(
            "Do not judge by accuracy, train with --set class_weights=balanced, or add images of "
            f"{least}."
            if rare
            else ""
        ),
        figures={
            "images": images,
            "patients": _patients(examples, classes),
            "parts": {
                name: {
                    "images": _counts(own, classes),
                    "patients": _patients(own, classes),
                }
                for name, own in _by_part(examples).items()
            },
        },
    )


def _few_patients(examples: Sequence[ImageRecord], classes: Sequence[str]) -> Iterator[Finding]:
    unit = unit_of(example.patient for example in examples)
    numbers = _counts(examples, classes)  # of images, whose patients count where they are known
    if unit == "patient":
        numbers |= {name: n or 0 for name, n in _patients(examples, classes).items()}
    few = {name: number for name, number in numbers.items() if number < PATIENTS}
    if few:
        told = listed([f"{name} {number}" for name, number in few.items()])
        of_patients = "Add patients, not images of the same ones"
        advice = of_patients if unit == "patient" else "Add images"
        yield Finding(
            kind="few-patients",
            severity="warning",
            message=f"Fewer than {PATIENTS} {unit}s of a class: {told}.",
            advice=f"{advice}: with so few, a test part says little of patients in general.",
            figures={f"{unit}s": few},
        )


def _parts_differ(examples: Sequence[ImageRecord], classes: Sequence[str]) -> Iterator[Finding]:
    shares = {
        part: {name: number / len(own) for name, number in _counts(own, classes).items()}
        for part, own in _by_part(examples).items()
        if part != "all" and len(own) >= IMAGES
    }
    gaps = {name: [share[name] for share in shares.values()] for name in classes if shares}
    widest = max(gaps, key=lambda name: max(gaps[name]) - min(gaps[name]), default=None)
    if widest is not None and max(gaps[widest]) - min(gaps[widest]) >= SHARE:
        told = ", ".join(f"{share[widest]:.0%} of {part}" for part, share in shares.items())
        yield Finding(
            kind="parts-differ",
            severity="note",
            message=f"The parts on disk hold the classes in other shares: {widest} is {told}.",
            advice="Accuracy and the best threshold move with the shares; the AUC does not.",
            figures={"shares": shares},
        )


def _of_several_classes(examples: Sequence[ImageRecord]) -> Iterator[Finding]:
    labels = defaultdict(set)
    for example in examples:
        if example.patient is not None:
            labels[example.patient].add(example.label)
    several = [patient for patient, own in labels.items() if len(own) > 1]
    if several:
        yield Finding(
            kind="patients-of-several-classes",
            severity="note",
            message=(
                f"{counted(len(several), 'patient')} of {len(labels):,} have images of several "
                "classes; splits put all images of a patient in one part."
            ),
            figures={"patients": len(several), "of": len(labels), "first": sorted(several)[:10]},
        )
