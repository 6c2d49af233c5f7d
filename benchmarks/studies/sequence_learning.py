"""How fast recurrent layers and attention learn from sequences, by the length.

    python benchmarks/studies/sequence_learning.py          # 12 minutes of CPU
    python benchmarks/studies/sequence_learning.py --quick  # one task and length; writes nothing

Networks of at most 4,000 weights take the same steps of Adam on the same sequences of the three
tasks of `dlmath.sequences.tasks`. The rate of a network is chosen once, on another seed: the one
with which the least is left to learn, on average over the adding problem and the copy task of 25
steps.

*Left to learn* is the loss less the least one, over that of the best constant answer less the least
one: 1 for a network that has learnt nothing, 0 for one that has learnt all. Its mean over the
course of a training, capped at 1, says how fast it is: it is known also where a network never gets
there.

Writes `benchmarks/results/sequence-learning.json`.
"""

import argparse
import json
import os
import time
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import keras
import numpy as np
import tensorflow as tf

from dlmath.maths.chance import mean_range
from dlmath.runs import write_json
from dlmath.sequences.learning_curves import ATTENTION, NETWORKS, Curve, Training, learning_curve
from dlmath.sequences.tasks import TASKS
from dlmath.training.devices import pin_threads
from dlmath.training.manifest import versions

RESULT = Path(__file__).parents[1] / "results" / "sequence-learning.json"
REACHED = 0.1  # of what is left to learn
PAIRS = (("LSTM", "SimpleRNN"), ("GRU", "LSTM"), (ATTENTION, "LSTM"), (ATTENTION, "GRU"))
PILOT_TASKS, PILOT_SEED = ("adding", "copying"), 1_000


@dataclass(frozen=True)
class Plan:
    """What is trained.

    Attributes:
        tasks: By name.
        lengths: Of the sequences.
        networks: By name.
        seeds: Of the first weights and of the sequences.
        rates: Of which one is chosen for each network, in a pilot where there are several.
        pilot_length: On which it is chosen.
        training: What all have in common.
    """

    tasks: tuple[str, ...] = tuple(TASKS)
    lengths: tuple[int, ...] = (10, 25, 50)
    networks: tuple[str, ...] = NETWORKS
    seeds: tuple[int, ...] = (0, 1, 2, 3)
    rates: tuple[float, ...] = (0.001, 0.003, 0.01, 0.03, 0.1, 0.3)
    pilot_length: int = 25
    training: Training = field(default_factory=lambda: Training(steps=500, every=50))


QUICK = Plan(
    ("adding",),
    (5,),
    ("LSTM", "GRU"),
    (0, 1),
    (0.01,),
    5,
    Training(300, steps=10, batch=8, every=5),
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--quick", action="store_true", help="one length, a few steps; no file")
    arguments = parser.parse_args()
    pin_threads()
    tf.get_logger().setLevel("ERROR")  # each network has a graph of its own
    result = studied(QUICK if arguments.quick else Plan())
    if not arguments.quick:
        write_json(RESULT, result)
    print(json.dumps(result["figures"], indent=2))


def studied(plan: Plan) -> dict[str, Any]:
    """Return the curves of all trainings, and the figures made of them."""
    began = time.perf_counter()
    pilot = pilot_of(plan) if len(plan.rates) > 1 else {}
    rates = dict.fromkeys(plan.networks, plan.rates[0])
    rates |= {network: min(found, key=found.__getitem__) for network, found in pilot.items()}
    curves = {
        f"{task}, {length}, {network}": [
            trained(network, task, length, replace(plan.training, rate=rates[network]), seed)
            for seed in plan.seeds
        ]
        for task in plan.tasks
        for length in plan.lengths
        for network in plan.networks
    }
    return {
        "command": "python benchmarks/studies/sequence_learning.py",
        "plan": asdict(plan),
        "versions": versions(),
        "cores": len(os.sched_getaffinity(0)),
        "seconds": time.perf_counter() - began,
        "pilot": {network: {str(r): v for r, v in of.items()} for network, of in pilot.items()},
        "rates": rates,
        "figures": {
            f"{task}, {length}": figures(task, length, curves)
            for task in plan.tasks
            for length in plan.lengths
        },
        "curves": {name: [asdict(one) for one in found] for name, found in curves.items()},
    }


def pilot_of(plan: Plan) -> dict[str, dict[float, float]]:
    """Return what is left to learn by network and rate, mean over the course and the tasks."""

    def left(network: str, rate: float) -> float:
        training, length = replace(plan.training, rate=rate), plan.pilot_length
        found = [
            speed(trained(network, task, length, training, PILOT_SEED), task, length)
            for task in PILOT_TASKS
        ]
        return float(np.mean(found))

    return {
        network: {rate: left(network, rate) for rate in plan.rates} for network in plan.networks
    }


def trained(network: str, task: str, length: int, training: Training, seed: int) -> Curve:
    curve = learning_curve(network, TASKS[task], length, training, seed)
    keras.utils.clear_session()
    print(
        f"{task}, {length}, {network}, rate {training.rate:g}, seed {seed}: {curve.losses[-1]:.4f}"
    )
    return curve


def left_to_learn(curve: Curve, task: str, length: int) -> np.ndarray:
    """Return the share that is left at each test, 1 for the best constant answer."""
    least, most = TASKS[task].least_loss(length), TASKS[task].constant_loss(length)
    return (np.array(curve.losses) - least) / (most - least)


def speed(curve: Curve, task: str, length: int) -> float:
    """Return the mean over the course of what is left, at most 1 each time; small is fast."""
    return float(np.minimum(left_to_learn(curve, task, length)[1:], 1).mean())


def figures(task: str, length: int, curves: dict[str, list[Curve]]) -> dict[str, Any]:
    """Return what each network reaches, and the differences of pairs, with intervals over seeds."""
    of = {network: curves.get(f"{task}, {length}, {network}", []) for network in NETWORKS}
    of = {network: found for network, found in of.items() if found}
    speeds = {
        network: np.array([speed(one, task, length) for one in found])
        for network, found in of.items()
    }
    least, most = TASKS[task].least_loss(length), TASKS[task].constant_loss(length)
    return {
        "constant_loss": most,
        "least_loss": least,
        "networks": {
            network: {
                "weights": found[0].weights,
                "width": found[0].width,
                "left": with_interval(left_to_learn(one, task, length)[-1] for one in found),
                "course": with_interval(speeds[network]),
                "steps": [one.steps_to(least + REACHED * (most - least)) for one in found],
            }
            for network, found in of.items()
        },
        "differences": {
            f"{first} less {second}": with_interval(speeds[first] - speeds[second])
            for first, second in PAIRS
            if {first, second} <= set(of)
        },
    }


def with_interval(values: Iterable[float]) -> dict[str, float]:
    """Return the mean over seeds with its 95 % interval by Student's law."""
    found = np.array(list(values))
    low, high = mean_range(found, rare=0.025)
    return {"mean": float(found.mean()), "low": float(low), "high": float(high)}


if __name__ == "__main__":
    main()
