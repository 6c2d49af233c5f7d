"""The official archives of the two tasks: where they are, what is in them, whose they are."""

from collections.abc import Mapping
from dataclasses import dataclass

from dlmath.errors import DataError, did_you_mean


@dataclass(frozen=True, kw_only=True)
class OfficialArchive:
    """An archive as its publisher gives it out.

    Attributes:
        task: The recipe that is trained on it.
        file: Its name.
        url: Its address.
        page: Where a person can read about it, and fetch it with a browser.
        size: In bytes; None where the publisher's figure is not known.
        sha256: Of its bytes, in hexadecimal; None where it is not known.
        about: Roughly its size in bytes, for the room it needs; what it unpacks to is about as
            large, since images are compressed already.
        images: How many it holds of each class, by which it is known without a sha256.
        patient_rules: By which the recipe, and a guess, read the patient in a file's name.
        licence: What may be done with the images.
        citation: What to cite.
    """

    task: str
    file: str
    url: str
    page: str
    size: int | None
    sha256: str | None
    about: int
    images: Mapping[str, int]
    patient_rules: tuple[str, ...]
    licence: str
    citation: str


OFFICIAL: dict[str, OfficialArchive] = {
    "malaria": OfficialArchive(
        task="malaria",
        file="cell_images.zip",
        url="https://data.lhncbc.nlm.nih.gov/public/Malaria/cell_images.zip",
        page="https://lhncbc.nlm.nih.gov/publication/pub9932",
        # Both from TensorFlow Datasets 4.9.10, datasets/malaria/checksums.tsv.
        size=353_452_851,
        sha256="0a949556b2414159b5100192609805376654c4266d8d187be9b1922fad43c668",
        about=353_452_851,
        images={"Parasitized": 13_779, "Uninfected": 13_779},
        patient_rules=(r"^(?P<patient>C\d+)",),
        licence=(
            "Public domain: a work of the U.S. National Library of Medicine (NLM), which asks to "
            "be credited as the source and to have the paper cited."
        ),
        citation=(
            "S. Rajaraman, S. K. Antani, M. Poostchi, K. Silamut, M. A. Hossain, R. J. Maude, "
            "S. Jaeger, G. R. Thoma: Pre-trained convolutional neural networks as feature "
            "extractors toward improved malaria parasite detection in thin blood smear images. "
            "PeerJ 6:e4568, 2018. https://doi.org/10.7717/peerj.4568"
        ),
    ),
    "pneumonia": OfficialArchive(
        task="pneumonia",
        file="ChestXRay2017.zip",
        url="https://data.mendeley.com/public-files/datasets/rscbjbr9sj/files/"
        "f12eaf6d-6023-432f-acc9-80c9d7393433/file_downloaded",
        page="https://data.mendeley.com/datasets/rscbjbr9sj/2",
        # No publisher's figures are at hand for either: the archive is known by its images.
        size=None,
        sha256=None,
        about=1_240_000_000,
        images={"NORMAL": 1_583, "PNEUMONIA": 4_273},
        # The number, without the kind: bacterial and viral pneumonia may be numbered apart, but if
        # they are not, one child would be on both sides of the split.
        patient_rules=(
            r"^(?P<patient>person\d+)_",
            r"^(?P<patient>NORMAL2-IM-\d+)-",
            r"^(?P<patient>IM-\d+)-",
        ),
        licence=(
            "CC BY 4.0, https://creativecommons.org/licenses/by/4.0/: free to share and adapt, "
            "with credit to the authors, a link to the licence, and changes indicated."
        ),
        citation=(
            "D. S. Kermany, M. Goldbaum, W. Cai, et al.: Identifying Medical Diagnoses and "
            "Treatable Diseases by Image-Based Deep Learning. Cell 172(5):1122-1131, 2018. "
            "https://doi.org/10.1016/j.cell.2018.02.010\n"
            "D. Kermany, K. Zhang, M. Goldbaum: Labeled Optical Coherence Tomography (OCT) and "
            "Chest X-Ray Images for Classification. Mendeley Data, version 2, 2018. "
            "https://doi.org/10.17632/rscbjbr9sj.2"
        ),
    ),
}


def official_archive(task: str) -> OfficialArchive:
    """Return the archive of a task.

    Raises:
        DataError: The task has none.
    """
    if task not in OFFICIAL:
        raise DataError(
            f"There is an official archive of {' and '.join(OFFICIAL)}."
            f"{did_you_mean(task, OFFICIAL)} Received: task={task!r}"
        )
    return OFFICIAL[task]
