"""What 8-bit features cost in accuracy, on real images.

    python benchmarks/studies/eight_bits.py ../shared/data

The frozen EfficientNet-Lite0 of the chest X-rays with 8-bit weights, a scale a channel, and 8-bit
activations, their ranges from 32 training images, against the float32 one that dlmath uses: the
head solved on each, also with the biases corrected as an export corrects them, and the head of
float32 features given 8-bit ones, as a mixed deployment would. The metrics are of the validation
part. Writes `benchmarks/results/eight-bits.json`.
"""

import argparse
import dataclasses
import json
from pathlib import Path

import numpy as np
from scipy.special import softmax

from dlmath import models
from dlmath.cli.progress import reporter
from dlmath.data.images import read
from dlmath.features import FrozenNetwork, feature_model, load_features
from dlmath.features.bias_correction import correct_biases
from dlmath.features.convert import to_litert
from dlmath.features.folding import fold_batch_normalization
from dlmath.features.network import network_key
from dlmath.inference.network import Network
from dlmath.linear_head import HeadFit, fit_head
from dlmath.models import other_recipe
from dlmath.recipe import Recipe
from dlmath.reporting import Reporter
from dlmath.training.devices import choose_device, pin_threads
from dlmath.training.head_features import HeadFeatures, head_data, load_head_features
from dlmath.training.preparation import Prepared, Request, prepare
from dlmath.training.training_data import class_indices
from dlmath.training.validation import measure

RESULT = Path(__file__).parents[1] / "results" / "eight-bits.json"
CALIBRATION = 32
CORRECTION = 24  # images, as an export takes


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("data", type=Path, help="the folder with chest_xray/")
    data = parser.parse_args().data
    pin_threads()
    recipe = other_recipe("pneumonia", "paper").replace(backbone="efficientnet_lite0", tune="head")
    with reporter() as report:
        prepared = prepare(Request(recipe, [data / "chest_xray"]), report)
        whole = load_head_features(prepared, models.build(prepared.recipe), choose_device(), report)
        eight = in_8_bits(whole, prepared, report, corrected=False)
        corrected = in_8_bits(whole, prepared, report, corrected=True)
    head = solve(whole)
    RESULT.write_text(
        json.dumps(
            {
                "command": "python benchmarks/studies/eight_bits.py DATA",
                "megabytes": [len(one.network.content or b"") / 1e6 for one in (whole, eight)],
                "float32": figures(head, whole, recipe),
                "8 bits, head solved on them": figures(solve(eight), eight, recipe),
                "8 bits, biases corrected, head solved on them": figures(
                    solve(corrected), corrected, recipe
                ),
                "8 bits, head of float32": figures(head, eight, recipe),
            },
            indent=2,
        )
        + "\n",
        encoding="utf-8",
    )
    print(RESULT.read_text(encoding="utf-8"))


def in_8_bits(
    whole: HeadFeatures, prepared: Prepared, report: Reporter, *, corrected: bool
) -> HeadFeatures:
    network = eight_bit_network(whole, prepared, corrected=corrected)
    train, validation = (
        load_features(part, network, progress=report.task("8 bits"))
        for part in (prepared.split.train, prepared.split.validation)
    )
    return dataclasses.replace(whole, network=network, train=train, validation=validation)


def eight_bit_network(whole: HeadFeatures, prepared: Prepared, *, corrected: bool) -> FrozenNetwork:
    size = whole.recipe.image_size
    spread = prepared.split.train[:: max(1, len(prepared.split.train) // CALIBRATION)]
    images = np.stack([read(e.path, e.file, size) for e in spread[:CALIBRATION]])
    model = feature_model(whole.model)
    runtime = f"{whole.network.runtime} in 8 bits"
    if corrected:
        model, runtime = fold_batch_normalization(model), f"{runtime}, corrected"
        correct_biases(model, images[:CORRECTION], keep=())
    content = to_litert(model, calibration=images)
    if content is None:
        raise SystemExit("LiteRT's converter refused to quantise the network.")
    return dataclasses.replace(
        whole.network,
        key=network_key(model, runtime),
        content=content,
        make_runner=lambda: Network(content, threads=1),
    )


def solve(features: HeadFeatures) -> HeadFit:
    data = head_data(features)
    return fit_head(data.features, data.targets, data.weights, data.groups)


def figures(head: HeadFit, features: HeadFeatures, recipe: Recipe) -> dict[str, float]:
    part = features.validation
    probabilities = softmax(head.logits(part.array), axis=1)
    return measure(probabilities, class_indices(part.examples, recipe), recipe)


if __name__ == "__main__":
    main()
