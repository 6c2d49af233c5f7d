"""What the runs of the protocol score on composites of the test films, and on films of adults.

    python benchmarks/studies/main_results.py DATA --runs RUNS pneumonia-0 pneumonia-1 ...
    python benchmarks/studies/stress_tests.py RUNS ADULTS

Each run is evaluated by `dlmath evaluate --region`, which masks the region, masks the border and
swaps borders, and by `dlmath evaluate --data ADULTS`, films of another hospital with labels that
were mined from reports. Nothing is chosen on either; `docs/protocol.md` says so.

Writes `benchmarks/results/stress-tests.json`.
"""

import argparse
import json
from pathlib import Path
from typing import Any

from main_results import dlmath  # next to this file

from dlmath.runs import write_json

RESULT = Path(__file__).parents[1] / "results" / "stress-tests.json"
METRICS = ("auc", "accuracy", "sensitivity", "specificity")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("runs", type=Path, help="the folder with pneumonia-0, pneumonia-1 ...")
    parser.add_argument("adults", type=Path, help="class folders of the films of adults")
    arguments = parser.parse_args()
    folders = sorted(one for one in arguments.runs.glob("pneumonia-[0-9]") if one.is_dir())
    write_json(RESULT, {"runs": [stressed(one, arguments.adults) for one in folders]})


def stressed(folder: Path, adults: Path) -> dict[str, Any]:
    """Return what a run scores on its own test films, changed ones, and on those of adults."""
    own = evaluated(folder, "--region")
    others = evaluated(folder, "--data", str(adults))
    print(folder.name, own["region_reliance"]["borders_swapped"], others["metrics"]["auc"])
    return {
        "run": folder.name,
        "region_reliance": own["region_reliance"],
        "adults": {
            "n": others["n"],
            "metrics": {name: others["metrics"][name] for name in METRICS},
            "answered": others["selective"]["coverage"],
        },
    }


def evaluated(folder: Path, *options: str) -> dict[str, Any]:
    """Return the document of `dlmath evaluate`."""
    found = json.loads(dlmath("evaluate", str(folder), *options, "--json"))
    assert isinstance(found, dict)
    return found


if __name__ == "__main__":
    main()
