"""Which classes the description of a network may name: those that networks for images consist of.

Deliberately absent, each with what it can do when Keras builds it: `Lambda` and every `function`
(run code), `TorchModuleWrapper`, `JaxLayer`, `FlaxLayer` (unpickle), `TFSMLayer` (run a
SavedModel), `StringLookup`, `IntegerLookup`, `TextVectorization` (read a file or an address).
"""

from typing import Any

LAYERS = frozenset(
    """
    Activation Add Average AveragePooling2D BatchNormalization Concatenate Conv2D Dense
    DepthwiseConv2D Dropout ELU Flatten GaussianDropout GaussianNoise GlobalAveragePooling2D
    GlobalMaxPooling2D GroupNormalization Identity InputLayer LayerNormalization LeakyReLU
    MaxPooling2D Maximum Minimum Multiply Normalization PReLU Permute ReLU Rescaling Reshape
    SeparableConv2D Softmax SpatialDropout2D Subtract UpSampling2D ZeroPadding2D
    """.split()  # noqa: SIM905  a list of 35 strings is a page
)
NETWORKS = frozenset({"Functional", "Sequential"})
MODULES = {
    "keras": frozenset({"DTypePolicy"}) | NETWORKS,
    "keras.dtype_policies": frozenset({"DTypePolicy"}),
    "keras.layers": LAYERS,
    "keras.models": NETWORKS,
    "keras.src.models.functional": NETWORKS,
    "keras.src.models.sequential": NETWORKS,
}
# Whose classes hold only numbers. Functions, in lower case, are nowhere admitted.
MODULES_OF_NUMBERS = frozenset(
    f"keras.{name}"
    for name in (
        *("initializers", "regularizers", "constraints", "losses", "metrics"),
        *("optimizers", "optimizers.schedules", "losses.loss_scale"),
    )
)
OWN_LAYERS = "dlmath.layers"
MAX_DEPTH = 64
# Far above every network of ours; each is the length of an axis of some array.
MAX_LENGTH = 65_536
_LENGTHS = ("units", "filters", "depth_multiplier", "batch_shape", "target_shape", "kernel_size")


class Unfit(Exception):
    """Says what is in a file that no trained network holds, to be put after its name."""


def check_config(config: Any, depth: int = 0) -> None:
    """Refuse a description that names anything but the parts of networks for images.

    Args:
        config: A parsed `config.json`, or a part of it.
        depth: How far inside the whole it lies.

    Raises:
        Unfit: Which name, or what else is wrong.
    """
    if depth > MAX_DEPTH:
        raise Unfit("config.json is nested without end")
    if isinstance(config, list):
        for item in config:
            check_config(item, depth + 1)
    elif isinstance(config, dict):
        _check_object(config)
        for key, value in config.items():
            _check_entry(key, value)
            check_config(value, depth + 1)
    elif depth == 0:
        raise Unfit("config.json describes no network")


def _check_object(config: dict[str, Any]) -> None:
    if "class_name" not in config:
        if "module" in config or "registered_name" in config:
            raise Unfit("config.json names a module without a class")
        return
    name, module = config["class_name"], config.get("module")
    if name == "__keras_tensor__" and module is None:
        return
    registered = config.get("registered_name")
    if not _is_admitted(module, name, registered):
        shown = ".".join(str(part) for part in (module, name) if part is not None)
        named = "" if registered in (None, name) else f", registered as {registered}"
        raise Unfit(f"config.json names {shown}{named}")


def _is_admitted(module: Any, name: Any, registered: Any) -> bool:
    if not isinstance(module, str) or not isinstance(name, str):
        return False
    if module.startswith(f"{OWN_LAYERS}."):
        return registered == f"dlmath>{name}"
    if registered not in (None, name):
        return False
    if module in MODULES_OF_NUMBERS:
        return name.isidentifier() and name[0].isupper()
    return name in MODULES.get(module, ())


def _check_entry(key: str, value: Any) -> None:
    if key == "name" and isinstance(value, str) and ("/" in value or "\\" in value):
        raise Unfit(f"config.json gives a layer the path {value!r} for a name")
    if key in _LENGTHS:
        lengths = value if isinstance(value, list) else [value]
        large = [one for one in lengths if isinstance(one, int | float) and one > MAX_LENGTH]
        if large:
            raise Unfit(f"config.json has a layer of {key} {large[0]:,}")
