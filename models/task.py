"""A task: a recipe, and all that there is to know about the images that it is for."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from dlmath.recipe import Recipe


@dataclass(frozen=True, kw_only=True)
class OfficialArchive:
    """An archive as its publisher gives it out.

    Attributes:
        file: Its name.
        url: Its address.
        page: Where a person can read about it, and fetch it with a browser.
        size: In bytes; None where it is not known.
        sha256: Of its bytes, in hexadecimal; None where it is not known.
        about: Roughly its size in bytes, for the room it needs; what it unpacks to is about as
            large, since images are compressed already.
        images: How many it holds of each class, by which it is known without a sha256.
        licence: What may be done with the images.
        citation: What to cite.
    """

    file: str
    url: str
    page: str
    size: int | None
    sha256: str | None
    about: int
    images: Mapping[str, int]
    licence: str
    citation: str


@dataclass(frozen=True, kw_only=True)
class Task:
    """A task: what can be trained by name.

    Attributes:
        recipe: Its name is the task's. Its patient rules also read the archive, and are tried on
            images of others.
        archive: The official images; None where there are none to download.
        folders: Names under which its data are handed round, besides its own.
        drawing: Module and name of the `Drawing` (see `dlmath.data.phantom_drawing`) that draws
            stand-ins, such as `dlmath.data.phantom_smears:DRAWING`; empty where there is none.
        tfds_warnings: What to say of a set of TensorFlow Datasets that has no patients, by its
            name.
        others: Further recipes for the same images, by the word that `--recipe` takes, such as
            that of a paper.
    """

    recipe: Recipe
    archive: OfficialArchive | None = None
    folders: tuple[str, ...] = ()
    drawing: str = ""
    tfds_warnings: Mapping[str, str] = field(default_factory=dict)
    others: Mapping[str, Recipe] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The name of the task on the command line."""
        return self.recipe.name
