"""Seconds until `dlmath --help` has answered, against importing only Typer, which it stands on.

Run: python benchmarks/speed/bench_help.py [--json]
"""

import argparse
import json
import statistics
import subprocess
import sys
import time

REPEATS = 15
COMMANDS = {
    "help": ["-m", "dlmath", "--help"],
    "typer": ["-c", "import typer"],
    "python": ["-c", "pass"],
}


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--json", action="store_true")
    as_json = parser.parse_args().json
    seconds: dict[str, list[float]] = {name: [] for name in COMMANDS}
    for repeat in range(REPEATS + 1):
        for name, arguments in COMMANDS.items():
            start = time.perf_counter()
            subprocess.run([sys.executable, *arguments], stdout=subprocess.DEVNULL, check=True)
            if repeat:  # the first round compiles and fills the system's file cache
                seconds[name].append(time.perf_counter() - start)
    result = {
        "median_seconds": {name: statistics.median(taken) for name, taken in seconds.items()},
        "fastest_seconds": {name: min(taken) for name, taken in seconds.items()},
        "help_to_typer": statistics.median(
            a / b for a, b in zip(seconds["help"], seconds["typer"], strict=True)
        ),
    }
    if as_json:
        print(json.dumps(result, indent=2))
        return
    medians = ", ".join(f"{name} {value:.2f} s" for name, value in result["median_seconds"].items())
    fastest = result["fastest_seconds"]["help"]
    print(
        f"medians: {medians}; dlmath --help takes {result['help_to_typer']:.2f} times as long as "
        f"importing Typer; fastest {fastest:.2f} s"
    )


if __name__ == "__main__":
    main()
