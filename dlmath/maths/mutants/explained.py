"""Why some mutants cannot be noticed: committed tables of reasons, held against what survives.

`reasons/` holds one for each module of experiments, and says how a row is written.
"""

import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from dlmath.maths.mutants.targets import Mutant, targets_of
from dlmath.maths.mutants.verdicts import Audit
from dlmath.maths.registry import all_experiments

TABLES = Path(__file__).with_name("reasons")


@dataclass(frozen=True)
class Explanation:
    """The reason why a mutant cannot be noticed.

    Attributes:
        function: As in `Mutant`.
        change: As in `Mutant`.
        why: The reason.
        experiments: Names of those for which it is one; empty for all that are about the function.
    """

    function: str
    change: str
    why: str
    experiments: tuple[str, ...] = ()

    def explains(self, experiment: str, mutant: Mutant) -> bool:
        """Return whether it is the reason for a mutant's survival in an experiment."""
        return (mutant.function, mutant.change) == (self.function, self.change) and (
            not self.experiments or experiment in self.experiments
        )


@dataclass(frozen=True)
class Explanations:
    """All that are known.

    Attributes:
        table: In the order of the files' names, and of the rows in each.
    """

    table: tuple[Explanation, ...]

    @classmethod
    def read(cls, folder: Path = TABLES) -> Self:
        """Return what the tables of a folder say."""
        return cls(tuple(one for path in sorted(folder.glob("*.toml")) for one in _rows(path)))

    def why(self, experiment: str, mutant: Mutant) -> str | None:
        """Return the reason for a mutant's survival in an experiment, or None."""
        return next((one.why for one in self.table if one.explains(experiment, mutant)), None)

    def unexplained(self, audit: Audit) -> list[Mutant]:
        """Return the survivors of an audit for which there is no reason."""
        return [mutant for mutant in audit.survivors if not self.why(audit.experiment, mutant)]

    def stale(self, audits: Iterable[Audit]) -> list[Explanation]:
        """Return the explanations of what no longer survives.

        An explanation is judged if all experiments that it is for were audited.
        """
        made = {audit.experiment: audit for audit in audits}
        about = {
            name: {target.name for target in targets_of(one)}
            for name, one in all_experiments().items()
        }
        old = []
        for one in self.table:
            wanted = one.experiments or [n for n, found in about.items() if one.function in found]
            survives = any(
                one.explains(name, mutant)
                for name in wanted
                if name in made
                for mutant in made[name].survivors
            )
            if not survives and all(name in made for name in wanted):
                old.append(one)
        return old


def _rows(path: Path) -> list[Explanation]:
    rows = tomllib.loads(path.read_text(encoding="utf-8"))["survivor"]
    return [
        Explanation(**{**row, "experiments": tuple(row.get("experiments", ()))}) for row in rows
    ]
