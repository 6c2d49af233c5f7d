"""Seconds until `dlmath --help` has answered. Run: python benchmarks/bench_help.py"""

import statistics
import subprocess
import sys
import time

REPEATS = 10


def main() -> None:
    command = [sys.executable, "-m", "dlmath", "--help"]
    subprocess.run(command, stdout=subprocess.DEVNULL, check=True)  # compiles and fills the cache
    seconds = []
    for _ in range(REPEATS):
        start = time.perf_counter()
        subprocess.run(command, stdout=subprocess.DEVNULL, check=True)
        seconds.append(time.perf_counter() - start)

    print(f"dlmath --help: median {statistics.median(seconds):.2f} s, slowest {max(seconds):.2f} s")


if __name__ == "__main__":
    main()
