"""Does a language model prove propositions of arithmetic that it has not seen?

    python benchmarks/studies/arithmetic_proofs.py          # 10 minutes on two cores
    python benchmarks/studies/arithmetic_proofs.py --quick  # seconds; writes nothing

Three seeds: each draws its own split of the propositions and trains a model of its own on proofs.
The model writes a proof of each test proposition, the most likely token at each place; a program
checks it. Two ways to write proofs without a network are the baselines.

Then alignment in the small, by rejection sampling (expert iteration): the model tries to prove
further propositions several times, the checker keeps what is right, and the model trains on these
proofs and on the first ones. The control trains as long on the first ones only.

Writes `benchmarks/results/arithmetic-proofs.json`.
"""

import argparse
import json
import multiprocessing
import os
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import keras
import numpy as np

from dlmath import seeds
from dlmath.sequences.arithmetic_baselines import MostFrequent, copied
from dlmath.sequences.arithmetic_checker import WHERE, accepts
from dlmath.sequences.arithmetic_model import SHAPE, ProofWriter
from dlmath.sequences.arithmetic_propositions import Split, drawn_split
from dlmath.sequences.arithmetic_prover import proven
from dlmath.sequences.arithmetic_terms import Proposition, proposition_tokens
from dlmath.sequences.language_model import Shape

RESULT = Path(__file__).parents[1] / "results" / "arithmetic-proofs.json"
FIRST, EXPERT, CONTROL = "the model", "expert iteration", "control: the first proofs, as long"
Writer = Callable[[Sequence[list[str]]], list[list[str]]]


@dataclass(frozen=True)
class Plan:
    """What the study does.

    Attributes:
        seeds: Of splits and models.
        tests: Propositions of each family to prove.
        pool: Propositions of each unseen family to prove by trying.
        steps: Of the first training.
        more: Steps of the second one.
        tries: At each proposition of a pool.
        temperature: Of the tries.
        shape: Of the model.
    """

    seeds: tuple[int, ...] = (0, 1, 2)
    tests: int = 50
    pool: int = 50
    steps: int = 2000
    more: int = 300
    tries: int = 4
    temperature: float = 0.8
    shape: Shape = SHAPE


QUICK = Plan((0,), 4, 4, 3, 2, 2, shape=replace(SHAPE, width=16, blocks=1, heads=2))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--quick", action="store_true", help="a few steps; writes nothing")
    quick = parser.parse_args().quick
    found = study(QUICK if quick else Plan())
    text = json.dumps(found, indent=1) + "\n"
    if not quick:
        RESULT.write_text(text, encoding="utf-8")
    print(text)


def study(plan: Plan) -> dict:
    began = time.perf_counter()
    if len(plan.seeds) == 1:
        runs = [run_of(plan, plan.seeds[0])]
    else:
        # A process a seed, and a thread a process: no bit depends on the number of cores.
        os.environ |= {"TF_NUM_INTRAOP_THREADS": "1", "TF_NUM_INTEROP_THREADS": "1"}
        spawn = multiprocessing.get_context("spawn")
        with ProcessPoolExecutor(len(plan.seeds), spawn) as pool:
            runs = list(pool.map(partial(run_of, plan), plan.seeds))
    return {
        "command": "python benchmarks/studies/arithmetic_proofs.py",
        "keras": keras.version(),
        "seconds": round(time.perf_counter() - began),
        "steps": plan.steps,
        "more_steps": plan.more,
        "tries": plan.tries,
        "temperature": plan.temperature,
        "runs": runs,
    }


def run_of(plan: Plan, seed: int) -> dict:
    """Return what one seed's model and its baselines prove."""
    cpu = time.process_time()
    split = drawn_split(seeds.generator("arithmetic split", seed), plan.tests, plan.pool)
    documents = [proven(one) for one in split.training]
    model = ProofWriter(plan.shape, seed)
    losses = model.fit(documents, plan.steps)
    counted = MostFrequent(documents)
    ways: dict[str, Writer] = {
        "nearest proof": lambda prompts: [copied(one, documents) for one in prompts],
        "5-gram": lambda prompts: [counted.write(one, plan.shape.context) for one in prompts],
        FIRST: model.write,
    }
    sampled = tried(plan, model, split)
    kept = [one for several in sampled.values() for one in several]
    for way, more in ((EXPERT, kept), (CONTROL, [])):
        other = model.copy()
        other.fit([*documents, *more], plan.more, rate=1e-3, purpose="second")
        ways[way] = other.write
    found = {way: judged(write, split.test) for way, write in ways.items()}
    return {
        "seed": seed,
        "cpu_seconds": round(time.process_time() - cpu),
        "training_proofs": len(documents),
        "losses": losses,
        "test_propositions": {family: len(ps) for family, ps in split.test.items()},
        "pool": {family: len(ps) for family, ps in split.pools.items()},
        "kept": {family: len(several) for family, several in sampled.items()},
        "ways": found,
    }


def tried(plan: Plan, model: ProofWriter, split: Split) -> dict[str, list[list[str]]]:
    """Return, by family, the different proofs among the tries that the checker accepts."""
    found = {}
    for family, propositions in split.pools.items():
        prompts = [one for one in map(prompt_of, propositions) for _ in range(plan.tries)]
        written = model.write(prompts, plan.temperature, purpose=family)
        found[family] = [list(one) for one in dict.fromkeys(map(tuple, written)) if accepts(one)]
    return found


def judged(write: Writer, test: Mapping[str, Sequence[Proposition]]) -> dict:
    """Return how many proofs of each family are accepted, and the first right and wrong ones."""
    accepted, right, wrong = {}, {}, {}
    for family, propositions in test.items():
        written = write([prompt_of(one) for one in propositions])
        verdicts = np.array([accepts(one) for one in written])
        accepted[family] = int(verdicts.sum())
        for chosen, texts in ((verdicts, right), (~verdicts, wrong)):
            if chosen.any():
                texts[family] = " ".join(written[int(chosen.argmax())])
    return {"accepted": accepted, "right": right, "wrong": wrong}


def prompt_of(proposition: Proposition) -> list[str]:
    return [*proposition_tokens(proposition), WHERE]


if __name__ == "__main__":
    main()
