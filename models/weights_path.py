"""The source of pretrained weights: a word, or a file that must be there. Loads no Keras."""

from pathlib import Path

from dlmath.errors import WeightsError, did_you_mean

WORDS = ("imagenet", "none")
ENDINGS = (".weights.h5", ".h5", ".keras")


def check_weights_path(path: Path) -> None:
    """Refuse what cannot be a file of weights, before anything is waited for.

    Raises:
        WeightsError: It is a folder, is not there, or ends in something else.
    """
    if path.is_dir():
        raise WeightsError(
            f"{path} is a folder, and weights are one file ({', '.join(ENDINGS)}). A SavedModel is "
            "a program, which dlmath does not run. Pass --weights imagenet, none, or a file."
        )
    if not path.is_file():
        # A misspelt word and a missing file look the same from here.
        raise WeightsError(
            f"There is no file of weights {path}.{did_you_mean(str(path), WORDS)} "
            "Pass --weights imagenet, none, or the path of a file that exists; for a run from "
            "another machine, put its file where its recipe.toml says."
        )
    if not path.name.endswith(ENDINGS):
        raise WeightsError(
            f"A file of weights must end in one of {', '.join(ENDINGS)}. Received: {path}"
        )
