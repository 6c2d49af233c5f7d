"""Try to fool the experiments of `dlmath learn`: wrong code that they must notice, and 34 seeds.

    python benchmarks/trials/experiment_mutants.py                  # all, an hour on two cores
    python benchmarks/trials/experiment_mutants.py mutants NAME...  # these, the others as they were
    python benchmarks/trials/experiment_mutants.py seeds
    python benchmarks/trials/experiment_mutants.py breaks

Mutants are the changes of `dlmath.maths.mutants`, breaks the whole mistakes of its `breaks.py`.
Seeded experiments are run on seeds 0 to 33, as stated, where each must hold, and with their
sabotage, where each must fail. Writes `benchmarks/results/experiment-mutants.json`;
`readme_tables.py` makes docs/experiments.md of it.
"""

import argparse
import json
import multiprocessing
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

from dlmath.maths import all_experiments, find
from dlmath.maths.mutants import NOTICED, Audit, Explanations, audit_all
from dlmath.maths.mutants.breaks import BREAKS, noticed_by
from dlmath.runs import write_json

RESULT = Path(__file__).parents[1] / "results" / "experiment-mutants.json"
SEEDS = range(34)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("part", nargs="?", choices=("mutants", "seeds", "breaks"))
    parser.add_argument("names", nargs="*", help="of experiments; by default all")
    arguments = parser.parse_args()
    result = json.loads(RESULT.read_text(encoding="utf-8")) if RESULT.exists() else {}
    names = arguments.names or list(all_experiments())
    for part, function in PARTS.items():
        if arguments.part in (None, part):
            # In small groups, so that an interrupted run keeps what it has found.
            for group in [[]] if part == "breaks" else batched(names):
                found = {**result.get(part, {}), **function(group)}
                order = all_experiments() if part != "breaks" else [one.what for one in BREAKS]
                result[part] = {name: found[name] for name in order if name in found}
                write_json(RESULT, result)


def batched(names: Sequence[str], size: int = 24) -> list[Sequence[str]]:
    """Return the names in groups."""
    return [names[start : start + size] for start in range(0, len(names), size)]


def mutants(names: Sequence[str]) -> dict[str, Any]:
    """Return counts and survivors of each experiment."""
    explanations = Explanations.read()
    audits = audit_all(names, progress=lambda done, of, name: print(done, of, name, flush=True))
    for one in explanations.stale(audits):
        print("stale:", one.function, one.change)
    return {one.experiment: counted(one) for one in audits}


def counted(audit: Audit) -> dict[str, Any]:
    """Return how many mutants were tried and noticed, and all that were not."""
    return {
        "tried": len(audit.judged),
        **{how: audit.count(how) for how in NOTICED},
        "survivors": [vars(mutant) for mutant in audit.survivors],
    }


def seeds(names: Sequence[str]) -> dict[str, Any]:
    """Return the seeds on which an experiment fails, and those on which its sabotage holds."""
    seeded = [name for name in names if "seed" in find(name).defaults]
    return in_processes(wrong_seeds, seeded)


def wrong_seeds(name: str) -> dict[str, list[int]]:
    """Return the wrong verdicts of an experiment: as stated, and with its sabotage."""
    one = find(name)
    return {
        "fails": [seed for seed in SEEDS if not one.run(seed=seed).holds],
        "sabotage_holds": [
            seed for seed in SEEDS if one.run(**{**one.sabotage.arguments, "seed": seed}).holds
        ],
    }


def breaks(names: Sequence[str]) -> dict[str, list[str]]:
    """Return who notices each break."""
    return in_processes(who_notices, [one.what for one in BREAKS])


def who_notices(what: str) -> list[str]:
    """Return the experiments that notice a break."""
    return noticed_by(next(one for one in BREAKS if one.what == what))


def in_processes(function: Callable[[str], Any], names: Sequence[str]) -> dict[str, Any]:
    """Return what a function says of each name, computed in new processes, one for each core."""
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(os.cpu_count() or 1, context) as pool:
        found = {}
        for name, said in zip(names, pool.map(function, names), strict=True):
            found[name] = said
            print(name, said, flush=True)
    return found


PARTS: dict[str, Callable[[Sequence[str]], dict[str, Any]]] = {
    "mutants": mutants,
    "seeds": seeds,
    "breaks": breaks,
}

if __name__ == "__main__":
    main()
