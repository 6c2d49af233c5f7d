"""Builders of TensorFlow Datasets for both tasks that keep what an honest split needs.

Each example has the encoded image unchanged, its label, its patient and its file name, so that a
prepared set, read back by `--data tfds:NAME`, is the folder it was made from. The `malaria` that
comes with TensorFlow Datasets has neither patient nor file name.

    tfds build --imports dlmath.data.tfds.builders nlm_malaria
    tfds build --imports dlmath.data.tfds.builders kermany_chest_xray/official

The archive is the one in `--manual_dir`, such as the folder that `dlmath data download` prints,
or else the official one, which TensorFlow Datasets downloads.
"""

import dataclasses
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import tensorflow_datasets as tfds

from dlmath.data.class_folders import read_tree
from dlmath.data.official import official_archive
from dlmath.data.sources import Dataset, ImageRecord, read_sources
from dlmath.data.splits import split_examples
from dlmath.models.recipes import RECIPES
from dlmath.models.task import OfficialArchive
from dlmath.recipe import Recipe


class OfficialImages(  # type: ignore[call-arg]  # mypy does not follow the base class
    tfds.core.GeneratorBasedBuilder, skip_registration=True
):
    """The images of one official archive, with their patients."""

    VERSION = tfds.core.Version("1.0.0")
    RELEASE_NOTES: ClassVar[dict[str, str]] = {"1.0.0": "Image, label, patient and file name."}
    TASK: ClassVar[str]
    DESCRIPTION: ClassVar[str]

    @property
    def official(self) -> OfficialArchive:
        """The archive that the images come from."""
        return official_archive(self.TASK)

    def _info(self) -> Any:
        return tfds.core.DatasetInfo(
            builder=self,
            description=self.DESCRIPTION,
            features=tfds.features.FeaturesDict(self._features()),
            supervised_keys=("image", "label"),
            homepage=self.official.page,
            citation=self.official.citation,
            license=self.official.licence,
        )

    def _features(self) -> dict[str, Any]:
        return {
            "image": tfds.features.Image(shape=(None, None, 3)),
            "label": tfds.features.ClassLabel(names=list(self.official.images)),
            "patient": tfds.features.Text(),
            "filename": tfds.features.Text(),
        }

    def _split_generators(self, dl_manager: Any) -> dict[str, Any]:
        dataset = read_sources(
            [self._source(dl_manager)],
            classes=tuple(self.official.images),
            patient_rules=RECIPES[self.TASK].patient_rules,
        )
        return {name: self._generate_examples(own) for name, own in self._parts(dataset)}

    def _source(self, dl_manager: Any) -> Path:
        """Return the folder or zip in the manual folder, or what TensorFlow Datasets fetches."""
        try:
            manual = Path(dl_manager.manual_dir)
        except AssertionError:  # none was named, and the usual one is empty
            manual = None
        if manual is not None:
            if read_tree(manual).files:
                return manual
            if (manual / self.official.file).is_file():
                return manual / self.official.file
        archive = tfds.download.Resource(
            url=self.official.url, extract_method=tfds.download.ExtractMethod.ZIP
        )
        return Path(dl_manager.download_and_extract(archive))

    def _parts(self, dataset: Dataset) -> Iterable[tuple[str, Iterable[ImageRecord]]]:
        """Give the name and the examples of each split: those that dlmath would make."""
        split = split_examples(
            dataset,
            seed=Recipe.seed,
            validation_fraction=Recipe.validation_fraction,
            test_fraction=Recipe.test_fraction,
        )
        return [(name, split.part(name)) for name in ("train", "validation", "test")]

    def _generate_examples(self, examples: Iterable[ImageRecord]) -> Iterator[tuple[str, dict]]:
        for example in examples:
            yield example.file, self._values(example)

    def _values(self, example: ImageRecord) -> dict[str, Any]:
        return {
            "image": example.path,  # given as a path, the file is stored as it is
            "label": example.label,
            "patient": example.patient or "",
            "filename": example.file,
        }


def _url_infos(official: OfficialArchive) -> dict[str, Any]:
    """Return what TensorFlow Datasets checks a download by; empty where nothing is known."""
    if official.size is None or official.sha256 is None:
        return {}
    info = tfds.download.checksums.UrlInfo(official.size, official.sha256, official.file)
    return {official.url: info}


def _manual(task: str) -> str:
    return (
        f"Optional: the folder that `dlmath data download {task}` prints, or one that holds "
        f"{official_archive(task).file}. Without it the archive is downloaded."
    )


class NlmMalaria(OfficialImages):
    """Red blood cells, parasitised or not, split by patient."""

    TASK = "malaria"
    MANUAL_DOWNLOAD_INSTRUCTIONS = _manual("malaria")
    url_infos = _url_infos(official_archive("malaria"))
    DESCRIPTION = (
        "27,558 red blood cells of 200 patients, cut out of thin blood smears: parasitized or "
        "uninfected (NLM, Rajaraman et al. 2018). No patient is in two of the splits, which are "
        "70, 15 and 15 % of the patients."
    )


class KermanyChestXray(OfficialImages):
    """Chest X-rays of children, normal or with pneumonia."""

    TASK = "pneumonia"
    MANUAL_DOWNLOAD_INSTRUCTIONS = _manual("pneumonia")
    url_infos = _url_infos(official_archive("pneumonia"))
    BUILDER_CONFIGS: ClassVar[list[Any]] = [
        tfds.core.BuilderConfig(
            name="official",
            description="The publisher's train and test. Training images whose patient may be in "
            "test, by the number in the file name, are marked `patient_in_test`: leave them out.",
        ),
        tfds.core.BuilderConfig(
            name="regrouped",
            description="All images together, split again by patient: 70, 15 and 15 %.",
        ),
    ]
    DESCRIPTION = (
        "5,856 chest X-rays of children aged one to five: normal or pneumonia (Kermany et al. "
        "2018)."
    )

    def _features(self) -> dict[str, Any]:
        return {**super()._features(), "patient_in_test": tfds.features.Scalar(dtype=np.bool_)}

    def _parts(self, dataset: Dataset) -> Iterable[tuple[str, Iterable[ImageRecord]]]:
        examples = dataset.examples
        self._in_test = {example.patient for example in examples if example.part == "test"}
        if self.builder_config.name == "official":
            names = ("train", "test")
            return [(name, [e for e in examples if e.part == name]) for name in names]
        pooled = tuple(dataclasses.replace(example, part=None) for example in examples)
        return super()._parts(dataclasses.replace(dataset, examples=pooled))

    def _values(self, example: ImageRecord) -> dict[str, Any]:
        return {
            **super()._values(example),
            "patient_in_test": example.part == "train" and example.patient in self._in_test,
        }
