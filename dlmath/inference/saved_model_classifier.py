"""A classifier in a SavedModel, which TensorFlow runs."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np

from dlmath.errors import RunError
from dlmath.inference.classifier import Classifier
from dlmath.inference.export_files import SAVED_MODEL_METADATA
from dlmath.inference.exported import stored_fields


@dataclass(frozen=True, eq=False)
class SavedModelClassifier(Classifier):
    """A classifier whose network and out-of-distribution score TensorFlow runs.

    Attributes:
        loaded: Owns the variables of the signature.
        signature: `serve_pixels`.
    """

    batch_size: ClassVar[int] = 32
    loaded: Any
    signature: Any

    @classmethod
    def load(cls, path: Path) -> Self:
        """Load a SavedModel that is trusted: it is a program, and can read and write files.

        Raises:
            RunError: It is damaged, or dlmath did not export it.
        """
        import tensorflow as tf

        fields = stored_fields(path / SAVED_MODEL_METADATA)
        try:
            loaded = tf.saved_model.load(str(path))
            signature = loaded.signatures["serve_pixels"]
        # TensorFlow has several classes of errors for what a damaged file can do to it.
        except Exception as error:
            raise RunError(
                f"Cannot load {path}: {str(error).splitlines()[0]}. Export the run again."
            ) from error
        return cls(**fields, loaded=loaded, signature=signature)

    def compute(self, batch: np.ndarray) -> dict[str, np.ndarray]:
        """Return the probabilities and, if fitted, the out-of-distribution scores of a batch."""
        import tensorflow as tf

        outputs = self.signature(pixels=tf.constant(batch, tf.float32))
        names = {"probabilities": "probabilities", "ood_score": "ood_scores"}
        if "ood_score" not in outputs:  # an export from before the name was changed
            names["distance"] = "ood_scores"
        return {ours: outputs[name].numpy() for name, ours in names.items() if name in outputs}
