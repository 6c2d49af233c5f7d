"""`python -m dlmath.data.tfds NAME`: TensorFlow Datasets' own `tfds build`, of our builders.

The command `tfds` imports apache-beam and mlcroissant for neighbours of `build`, and ends where
they are missing; this calls only the same `build`.
"""

from absl import app
from tensorflow_datasets.scripts.cli import build, cli_utils

import dlmath.data.tfds.builders  # noqa: F401  registers them, as `--imports` does


def main(arguments: build.Args) -> None:
    """Build the data sets that the arguments name."""
    arguments.execute()


if __name__ == "__main__":
    parse = cli_utils.make_flags_parser(build.Args, description=build.Args.__doc__)
    app.run(main, flags_parser=parse)
