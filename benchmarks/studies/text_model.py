"""A transformer against n-grams: on the project's text, and on a source whose entropy is known.

    python benchmarks/studies/text_model.py          # 10 minutes of two cores
    python benchmarks/studies/text_model.py --quick  # small models, a few steps; writes nothing

Both models get the same byte-pair tokens of the same documents, and are tested on the tokens of
documents that neither has seen. Losses are in bits for each byte of the text, so that they do not
depend on the tokens. Intervals are BCa over held-out documents. What limits the transformer is
time; two shorter trainings were seen on the held-out documents before.

On texts of a Markov source of order 2, a transformer that sees 1, 2 or 4 letters: its loss less
that of the source itself on the same letters, with an interval over blocks of 200 letters.

Writes `benchmarks/results/text-model.json`.
"""

import argparse
import json
import os
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import numpy as np
import tensorflow as tf

from dlmath import seeds
from dlmath.maths import markov
from dlmath.runs import write_json
from dlmath.sequences.byte_pairs import BytePairs
from dlmath.sequences.corpus import training_and_held_out
from dlmath.sequences.language_model import LanguageModel, Shape, Training, trained
from dlmath.sequences.ngrams import KneserNey
from dlmath.stats.bootstrap import estimate
from dlmath.training.devices import pin_threads
from dlmath.training.manifest import versions

RESULT = Path(__file__).parents[1] / "results" / "text-model.json"
ORDER = 5  # of the n-grams
PROMPTS = ("The loss of ", "A network that ", "## ")
BLOCK = 200  # letters
LETTERS, SOURCE_ORDER = 4, 2


@dataclass(frozen=True)
class Plan:
    """What is trained.

    Attributes:
        tokens: V, of the byte pairs.
        shape: Of the transformer, but for V.
        training: Of the transformer.
        seeds: Of its first weights and windows.
        texts: The most bytes to learn from, and to be tested on; all if None.
        contexts: Of the transformers on the Markov source.
        letters: To learn from, and to be tested on.
        source_training: Of these transformers.
    """

    tokens: int = 512
    shape: dict[str, Any] = field(
        default_factory=lambda: {"context": 64, "width": 128, "blocks": 2, "dropout": 0.2}
    )
    training: Training = field(default_factory=lambda: Training(steps=3_000))
    seeds: tuple[int, ...] = (0, 1)
    texts: int | None = None
    contexts: tuple[int, ...] = (1, 2, 4)
    letters: int = 100_000
    source_training: Training = field(
        default_factory=lambda: Training(steps=500, batch=256, rate=1e-2, decay=0.0)
    )


QUICK = Plan(
    tokens=280,
    shape={"context": 16, "width": 16, "blocks": 1, "dropout": 0.0},
    training=Training(steps=2, batch=4),
    seeds=(0,),
    texts=6_000,
    contexts=(2,),
    letters=2_000,
    source_training=Training(steps=2, batch=8),
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--quick", action="store_true", help="a few steps; writes no file")
    arguments = parser.parse_args()
    pin_threads()
    tf.get_logger().setLevel("ERROR")  # each network has a graph of its own
    plan = QUICK if arguments.quick else Plan()
    result = {
        "command": "python benchmarks/studies/text_model.py",
        "versions": versions(),
        "plan": asdict(plan),
        "text": on_the_text(plan),
        "source": on_the_source(plan),
    }
    if not arguments.quick:
        write_json(RESULT, result)
    print(json.dumps(result, indent=2))


def on_the_text(plan: Plan) -> dict[str, Any]:
    """Return losses on held-out documents, and texts that the transformer writes."""
    learnt, held_out = (_shortened(part, plan.texts) for part in training_and_held_out())
    pairs = BytePairs.train(learnt.values(), plan.tokens)
    to_learn, to_test = (
        [pairs.encode(text) for text in part.values()] for part in (learnt, held_out)
    )
    shape = Shape(pairs.size, **plan.shape)
    models, seconds = [], []
    for seed in plan.seeds:
        began = time.process_time()
        models.append(trained(to_learn, shape, plan.training, seed))
        seconds.append(time.process_time() - began)
    grams = KneserNey(to_learn, pairs.size, ORDER)
    plain = KneserNey(to_learn, pairs.size, ORDER, modified=False)
    losses = {
        "transformer": np.mean([[m.losses(d).sum() for d in to_test] for m in models], axis=0),
        "Kneser-Ney": np.array([grams.losses(d).sum() for d in to_test]),
        "plain Kneser-Ney": np.array([plain.losses(d).sum() for d in to_test]),
        "mean of both": np.mean(
            [[_of_both(m, grams, d).sum() for d in to_test] for m in models], axis=0
        ),
    }
    sizes = np.array([len(text.encode("utf-8")) for text in held_out.values()])
    return {
        "documents": {"learnt": len(learnt), "held out": len(held_out)},
        "bytes": {
            "learnt": sum(len(t.encode()) for t in learnt.values()),
            "held out": int(sizes.sum()),
        },
        "tokens": {"learnt": sum(map(len, to_learn)), "held out": sum(map(len, to_test))},
        "weights": models[0].model.count_params(),
        "cpu_seconds": [round(one, 1) for one in seconds],
        "bits_per_byte": _with_intervals(losses, sizes),
        "perplexity": {
            name: float(np.exp(one.sum() / sum(map(len, to_test)))) for name, one in losses.items()
        },
        "by_seed": [_bits(sum(m.losses(d).sum() for d in to_test), sizes.sum()) for m in models],
        "on_what_was_learnt": _bits(
            sum(models[0].losses(d).sum() for d in to_learn),
            sum(len(text.encode("utf-8")) for text in learnt.values()),
        ),
        "samples": [_sample(models[0], pairs, prompt, seed) for seed, prompt in enumerate(PROMPTS)],
    }


def _shortened(part: dict[str, str], most: int | None) -> dict[str, str]:
    if most is None:
        return part
    return {name: text[: most // 3] for name, text in list(part.items())[:3]}


def _of_both(model: LanguageModel, grams: KneserNey, document: list[int]) -> np.ndarray:
    """Return the losses of the mean of both laws, half and half, in nats."""
    return np.log(2) - np.logaddexp(-model.losses(document), -grams.losses(document))


def _with_intervals(losses: dict[str, np.ndarray], sizes: np.ndarray) -> dict[str, Any]:
    """Return bits for each byte over all documents, and their differences from Kneser-Ney's."""

    def statistics(weights: np.ndarray) -> dict[str, np.ndarray]:
        found = {name: _bits(weights @ one, weights @ sizes) for name, one in losses.items()}
        less = {f"{name} less Kneser-Ney": found[name] - found["Kneser-Ney"] for name in found}
        return {**found, **{name: one for name, one in less.items() if not name.startswith("Kn")}}

    generator = seeds.generator("held-out documents")
    found, _ = estimate(statistics, np.arange(len(sizes)), generator)
    return {name: asdict(one) for name, one in found.items()}


def _bits(nats: Any, size: Any) -> Any:
    return nats / np.log(2) / size


def _sample(model: LanguageModel, pairs: BytePairs, prompt: str, seed: int) -> dict[str, Any]:
    drawn = model.sample(pairs.encode(prompt), 80, temperature=0.7, top_k=40, seed=seed)
    return {"prompt": prompt, "temperature": 0.7, "top_k": 40, "text": pairs.decode(drawn)}


def on_the_source(plan: Plan) -> dict[str, Any]:
    """Return how far above the source's own loss transformers of each context are."""
    rng = seeds.generator("Markov source")
    law = rng.dirichlet(np.full(LETTERS, 0.5), (LETTERS,) * SOURCE_ORDER) * 0.95 + 0.05 / LETTERS
    to_learn, to_test = markov.sampled(law, 2, plan.letters, rng)
    rate = markov.entropy_rate(law)
    rows = []
    for context in plan.contexts:
        shape = Shape(LETTERS, context, width=32, blocks=1, heads=2, dropout=0.0)
        model = trained([to_learn.tolist()], shape, plan.source_training)
        rows.append({"context": context, **_excess(model, law, to_test)})
        rows[-1]["theory"] = markov.expected_loss(law, markov.law_given(law, context)) - rate
    return {"order": SOURCE_ORDER, "letters": LETTERS, "entropy_rate": rate, "rows": rows}


def _excess(model: LanguageModel, law: np.ndarray, text: np.ndarray) -> dict[str, Any]:
    """Return the loss of a model less that of the source on the same letters, in nats."""
    order = law.ndim - 1
    befores = np.lib.stride_tricks.sliding_window_view(text, order + 1)
    less = model.losses(text.tolist())[order:] + np.log(law[tuple(befores.T)])
    blocks = less[: len(less) // BLOCK * BLOCK].reshape(-1, BLOCK)

    def statistics(weights: np.ndarray) -> dict[str, np.ndarray]:
        return {"excess": weights @ blocks.mean(axis=1) / weights.sum(axis=1)}

    found, _ = estimate(statistics, np.arange(len(blocks)), seeds.generator("blocks of letters"))
    return asdict(found["excess"])


if __name__ == "__main__":
    main()
