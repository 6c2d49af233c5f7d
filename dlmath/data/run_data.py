"""The images of a run by part: as its `split.csv` records them, and as they lie on disk now."""

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path

from dlmath.data.listing import listed
from dlmath.data.sources import (
    Dataset,
    ImageRecord,
    Source,
    check_sources_exist,
    list_files,
    read_sources,
)
from dlmath.data.splits import Split, read_rows, read_split
from dlmath.errors import DataError
from dlmath.recipe.table_columns import ColumnNames, column_names
from dlmath.reporting import SILENT, Reporter
from dlmath.runs import Run


class RunData:
    """The images that a run was made with. Each attribute is read once, when it is first used.

    Args:
        run: Any run that has a split, finished or not.
        sources: Where the images lie now, if they were moved; by default where the manifest says.
        accepted: Gets a line for the images that are gone and one for those that changed, which
            are then no error.
        reporter: Receives the progress of unpacking archives and of hashing files.
    """

    def __init__(
        self,
        run: Run,
        sources: Sequence[Source] | None = None,
        *,
        accepted: list[str] | None = None,
        reporter: Reporter = SILENT,
    ):
        self._run = run
        self._given = sources
        self._accepted = accepted
        self._reporter = reporter

    @cached_property
    def rows(self) -> list[dict[str, str]]:
        """The lines of `split.csv`: file, sha256, class, patient and split of each image.

        Raises:
            RunError: The file is missing or damaged.
        """
        return read_rows(self._run.split_path)

    @cached_property
    def part_of_content(self) -> dict[str, str]:
        """The recorded part of each image by its SHA-256: training, if a copy of it is there."""
        rows = sorted(self.rows, key=lambda row: row["split"] == "train")
        return {row["sha256"]: row["split"] for row in rows}

    @cached_property
    def sources(self) -> tuple[Source, ...]:
        """The folders and files that the images are looked for in."""
        return tuple(self._run.sources if self._given is None else self._given)

    @property
    def lies_there(self) -> bool:
        """Whether every source is there; what is in it is not looked at."""
        try:
            check_sources_exist(self.sources)
        except DataError:
            return False
        return True

    def _check_there(self) -> None:
        """Refuse a run whose own data were moved or left behind, and say what can be done.

        Raises:
            DataError: Where they should be.
        """
        if self._given is None and not self.lies_there:
            places = listed([str(source) for source in self.sources])
            raise DataError(
                f"There are no data at {places}, where {self._run.folder} had them. Put them, or a "
                "link to them, there; train --resume, reproduce and export also take the place "
                "where they are: --data PATH"
            )

    @cached_property
    def dataset(self) -> Dataset:
        """All images that lie in the sources now, also those that the split does not name.

        Raises:
            DataError: A source is gone, or does not fit the run's recipe.
        """
        self._check_there()
        recipe = self._run.recipe
        return read_sources(
            self.sources,
            classes=recipe.classes,
            patient_rules=recipe.patient_rules,
            columns=columns_for(self._run),
            reporter=self._reporter,
        )

    @cached_property
    def split(self) -> Split:
        """The recorded parts, each image found again on disk and compared by its SHA-256.

        Raises:
            RunError: `split.csv` is missing or damaged.
            DataError: Images are gone or changed, and that is not accepted.
        """
        return self.found_in(self.dataset)

    def found_in(self, dataset: Dataset) -> Split:
        """Return the recorded parts, each image found again in a dataset that was read before.

        Raises:
            RunError: `split.csv` is missing or damaged.
            DataError: Images are gone or changed, and that is not accepted.
        """
        return read_split(self._run.split_path, dataset, self._accepted)

    def part(self, name: str) -> tuple[ImageRecord, ...]:
        """Return the images of one part, at least one, sorted by file.

        Args:
            name: train, validation or test.

        Raises:
            RunError: `split.csv` is missing or damaged.
            DataError: Images are gone or changed, or the part is empty.
        """
        if not (examples := self.split.part(name)):
            raise DataError(
                f"The {name} part of {self._run.split_path} holds no image. Put a copy of the "
                "file back, or train again."
            )
        return examples

    def paths(self) -> dict[str, Path]:
        """Return where each image lies now, by file, without opening one.

        Raises:
            DataError: A source is gone.
        """
        self._check_there()
        listing = list_files(self.sources, columns=columns_for(self._run))
        return {item.file: item.path for item in listing.files}


def columns_for(run: Run, given: Sequence[str] | None = None) -> ColumnNames:
    """Return how a CSV names its columns, for images of a run or others that it is asked about.

    Args:
        run: The run, whose names hold for a table that has them.
        given: By --columns, which wins over the run.
    """
    if given is not None:
        return column_names(given)
    return column_names(run.recipe.columns, likely=True)
