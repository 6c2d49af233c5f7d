"""TensorFlow Datasets: `tfds:NAME` as a source of images, and builders that know the patients.

    tfds build --imports dlmath.data.tfds.builders nlm_malaria
    dlmath train malaria --data tfds:nlm_malaria

The command `tfds` imports apache-beam and mlcroissant, whatever it builds (`dlmath[tfds]` brings
them); `python -m dlmath.data.tfds` takes the same arguments as `tfds build` and does without. The
builders are in `dlmath.data.tfds.builders`, which this package does not import, since they bring
TensorFlow.
"""

from dlmath.data.tfds.reader import PREFIX, read_tfds

__all__ = ["PREFIX", "read_tfds"]
