"""From JPEG files to a head: dlmath against stock Keras, to a given validation AUC.

    python benchmarks/speed/stock_keras.py ../shared/data

Stock Keras is what its transfer-learning guide does: `image_dataset_from_directory`, the frozen
EfficientNet-Lite0 of dlmath under a new `Dense`, `fit` with validation after each epoch. dlmath is
the command line with an empty cache and with a full one. All start in a process of their own, see
the same images in the same parts, and take turns; times are of the whole process, imports included.
Writes `benchmarks/results/stock-keras.json`.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
import zipfile
from pathlib import Path

from dlmath.data.run_data import RunData
from dlmath.runs import Run

RESULT = Path(__file__).parents[1] / "results" / "stock-keras.json"
EPOCHS = 2
TARGET = 0.98  # validation AUC
TRAIN = "train pneumonia --recipe paper --backbone efficientnet_lite0 --tune head --data"

STOCK = """
import json, resource, sys, time
began = time.perf_counter()
import keras
from sklearn.metrics import roc_auc_score
import numpy as np
from dlmath.models.efficientnet_lite import efficientnet_lite0

root, epochs = sys.argv[1], int(sys.argv[2])
keras.utils.set_random_seed(0)
read = lambda part, shuffle: keras.utils.image_dataset_from_directory(
    f"{root}/{part}", image_size=(224, 224), batch_size=32, shuffle=shuffle, verbose=False
).prefetch(2)
train, validation = read("train", True), read("validation", False)
backbone = efficientnet_lite0(224, imagenet=True)
backbone.trainable = False
images = keras.Input((224, 224, 3))
x = keras.layers.GlobalAveragePooling2D()(backbone(images, training=False))
model = keras.Model(images, keras.layers.Dense(1, activation="sigmoid")(x))
model.compile("adam", "binary_crossentropy")
truth = np.concatenate([labels for _, labels in validation])
history = []
for epoch in range(epochs):
    model.fit(train, verbose=0)
    scores = model.predict(validation, verbose=0)[:, 0]
    seconds = time.perf_counter() - began
    history.append({"seconds": seconds, "val_auc": roc_auc_score(truth, scores)})
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
print(json.dumps({"epochs": history, "peak_bytes": peak}))
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("data", type=Path, help="the folder with chest_xray/")
    parser.add_argument("--rounds", type=int, default=2)
    arguments = parser.parse_args()
    data = (arguments.data / "chest_xray").resolve()
    ways: dict[str, list[dict]] = {}
    with tempfile.TemporaryDirectory() as folder:
        for number in range(arguments.rounds):
            for name, figures in one_round(data, Path(folder) / str(number)).items():
                print(name, json.dumps(figures))
                ways.setdefault(name, []).append(figures)
            write(ways)  # after each round: one takes a quarter of an hour


def write(ways: dict[str, list[dict]]) -> None:
    result = {
        "command": "python benchmarks/speed/stock_keras.py DATA",
        "cores": len(os.sched_getaffinity(0)),
        "target_auc": TARGET,
        "ways": ways,
    }
    RESULT.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")


def one_round(data: Path, folder: Path) -> dict[str, dict]:
    cold = dlmath(data, folder / "cold", folder / "home")
    warm = dlmath(data, folder / "warm", folder / "home")
    tree = write_parts(Run(folder / "cold"), data, folder / "tree")
    output = subprocess.run(
        [sys.executable, "-c", STOCK, str(tree), str(EPOCHS)], capture_output=True, check=True
    )
    stock = json.loads(output.stdout)
    reached = [epoch["seconds"] for epoch in stock["epochs"] if epoch["val_auc"] >= TARGET]
    best = max(epoch["val_auc"] for epoch in stock["epochs"])
    stock |= {"seconds_to_target": reached[0] if reached else None, "val_auc": best}
    return {"stock Keras": stock, "dlmath, empty cache": cold, "dlmath, full cache": warm}


def dlmath(data: Path, run: Path, home: Path) -> dict:
    command = [sys.executable, "-m", "dlmath", *TRAIN.split(), str(data), "--out", str(run)]
    began = time.perf_counter()
    with subprocess.Popen(command, env={**os.environ, "DLMATH_HOME": str(home)}) as process:
        _, _, usage = os.wait4(process.pid, 0)
        process.returncode = 0
    seconds = time.perf_counter() - began
    manifest = json.loads((run / "manifest.json").read_text(encoding="utf-8"))
    auc = manifest["best"]["val_auc"]
    return {
        "seconds": seconds,
        "seconds_to_target": seconds if auc >= TARGET else None,
        "val_auc": auc,
        "val_loss": manifest["best"]["val_loss"],
        "images_per_second": manifest["images_per_second"],
        "peak_bytes": usage.ru_maxrss * 1024,
    }


def write_parts(run: Run, data: Path, tree: Path) -> Path:
    """Lay the images of the run's own parts out as Keras reads them."""
    rows = [row for row in RunData(run).rows if row["split"] in ("train", "validation")]
    for archive in sorted(data.glob("*.zip")):
        with zipfile.ZipFile(archive) as members:
            for row in rows:
                name, _, member = row["file"].partition("!/")
                if name == archive.name:
                    path = tree / row["split"] / row["class"] / Path(member).name
                    path.parent.mkdir(parents=True, exist_ok=True)
                    path.write_bytes(members.read(member))
    return tree


if __name__ == "__main__":
    main()
