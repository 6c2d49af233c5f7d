"""64 clients for two minutes against the real server: good, bad, huge, slow and cut-off requests.

    python benchmarks/speed/load.py runs/pneumonia

The server is `dlmath serve RUN` in a process of its own, on the loopback of this machine, which
the clients share with it. What is good must be answered as `dlmath predict` answers the same file,
what is bad by the status that it deserves, a 503 says when to come again, and the clients do. The
server's memory is read every second, and its slope is that of the second minute. Then batching is
compared with one image at a time, in turns, and a server is stopped while requests are under way.

Writes `benchmarks/results/load.json`.
"""

import argparse
import asyncio
import json
import os
import statistics
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from load_clients import GOOD, ROLES, Clients, Expected, Tally  # next to this file
from server_process import Server

from dlmath.export.verification_set import gather_verification_set
from dlmath.inference.keras_classifier import KerasClassifier
from dlmath.inference.predict_files import predict
from dlmath.runs import Run

RESULT = Path(__file__).parents[1] / "results" / "load.json"
WARM_UP = 60  # seconds in which buffers and threads come to their size
TURN = 15  # seconds
CROWD = 12  # images in a request at most, so that the queue of 256 is full now and then


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("run", type=Path)
    parser.add_argument("--seconds", type=float, default=120)
    given = parser.parse_args()
    run = Run.find(given.run)
    files = gather_verification_set(run, KerasClassifier.load(run), by_graph=False).files
    expected = [Expected.of(said) for said in predict(run, files)]
    document = {
        "task": run.recipe.name,
        "cores": len(os.sched_getaffinity(0)),
        "load_average_before": os.getloadavg()[0],  # of other work on the machine
        "mixed": mixed(run, expected, given.seconds),
        "batching": batching(run, expected),
        "stop": stop(run, expected),
    }
    RESULT.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
    print(f"Wrote {RESULT.name}")


def mixed(run: Run, expected: Sequence[Expected], seconds: float) -> dict:
    """Put all kinds of clients on one server, and return what came of it."""
    with Server(run.folder) as server:
        files_before = server.open_files()
        clients = Clients(server.port, run.recipe.name, expected, CROWD)
        tally, memory = asyncio.run(_under_load(server, clients, ROLES, seconds))
        time.sleep(2)  # connections that were reset are found out
        crashed = server.process.poll() is not None
        return {
            "clients": dict(ROLES),
            "images_at_most": CROWD,
            "seconds": seconds,
            **tally.as_json(seconds),
            "memory": memory_figures(memory, seconds),
            "open_files": {"before": files_before, "after": server.open_files()},
            "crashed": crashed,
            "faults": server.said().count("Fault while answering"),
        }


async def _under_load(
    server: Server, clients: Clients, roles: dict[str, int], seconds: float
) -> tuple[Tally, list[float]]:
    load = asyncio.ensure_future(clients.run(roles, seconds))
    memory = []
    while not load.done():
        memory.append(server.memory())
        await asyncio.wait([load], timeout=1)
    return await load, memory


def memory_figures(memory: Sequence[float], seconds: float) -> dict:
    """Return the memory in MB: before, after the warm-up, at the end, and how it grows there."""
    kept = np.array(memory[WARM_UP : int(seconds)])
    slope = np.polyfit(np.arange(len(kept)) / 60, kept, 1)[0]
    return {
        "before_mb": memory[0],
        "after_warm_up_mb": float(np.median(kept[:10])),
        "end_mb": float(np.median(kept[-10:])),
        "largest_mb": max(memory),
        "slope_mb_per_minute": float(slope),
    }


def batching(run: Run, expected: Sequence[Expected], rounds: int = 3) -> dict:
    """Compare batches with one image at a time: two servers under the same load, in turns."""
    rates: dict[str, list[float]] = {"batches": [], "single": []}
    roles = dict.fromkeys(GOOD, 32)
    with Server(run.folder) as batches, Server(run.folder, "--max-batch", "1") as single:
        for _ in range(rounds):
            for name, server in (("batches", batches), ("single", single)):
                clients = Clients(server.port, run.recipe.name, expected)
                tally, _ = asyncio.run(_under_load(server, clients, roles, TURN))
                rates[name].append(tally.good_images / TURN)
    ratio = statistics.median(rates["batches"]) / statistics.median(rates["single"])
    return {"clients": sum(roles.values()), "images_per_second": rates, "ratio": ratio}


def stop(run: Run, expected: Sequence[Expected]) -> dict:
    """Ask a server to stop while it works on requests, and count what became of them."""
    with Server(run.folder) as server:
        outcome = asyncio.run(
            Clients(server.port, run.recipe.name, expected).stopped(server.ask_to_stop)
        )
        return {**outcome, "exit_code": server.process.wait(timeout=60)}


if __name__ == "__main__":
    main()
