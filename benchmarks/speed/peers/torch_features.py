"""EfficientNet-Lite0 in PyTorch: seconds for the features of some images, as JSON on stdout.

Run by `benchmarks/speed/bench_peers.py` in the environment that `make bench-peers` makes. Random
weights cost what ImageNet's do.
"""

import json
import sys
import time

import torch
from efficientnet_lite_pytorch import EfficientNet


def main() -> None:
    images, batch_size, rounds = map(int, sys.argv[1:])
    model = (
        EfficientNet.from_name("efficientnet-lite0").eval().to(memory_format=torch.channels_last)
    )
    batches = torch.rand(images, 3, 224, 224).to(memory_format=torch.channels_last)
    batches = batches.split(batch_size)

    def extract() -> None:
        for batch in batches:
            model.extract_features(batch).mean((2, 3))

    with torch.inference_mode():
        extract()  # outside the clock
        seconds = []
        for _ in range(rounds):
            began = time.perf_counter()
            extract()
            seconds.append(time.perf_counter() - began)
    print(json.dumps({"version": torch.__version__, "seconds": seconds}))


if __name__ == "__main__":
    main()
