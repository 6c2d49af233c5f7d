"""Random numbers as pure functions of a key: no hidden state, so any draw can be repeated.

A generator with state replays or skips draws when a run is resumed; one that is keyed by
(seed, purpose, epoch, step) gives each draw back, in any order, on any machine.
"""

import hashlib

import numpy as np

KeyPart = int | str


def generator(*key: KeyPart) -> np.random.Generator:
    """Return a NumPy generator that depends on nothing but `key`.

    Philox is counter-based: its stream is specified only by the key, on every platform.
    """
    return np.random.Generator(np.random.Philox(key=int.from_bytes(_digest(key)[:16], "little")))


def tensorflow_seed(*key: KeyPart) -> tuple[int, int]:
    """Return the pair of non-negative int32 values that `tf.random.stateless_*` takes."""
    digest = _digest(key)
    mask = 0x7FFFFFFF
    return (
        int.from_bytes(digest[:4], "little") & mask,
        int.from_bytes(digest[4:8], "little") & mask,
    )


def _digest(key: tuple[KeyPart, ...]) -> bytes:
    # repr keeps 1 and "1" apart, and the comma keeps ("ab", "c") and ("a", "bc") apart.
    return hashlib.sha256(",".join(repr(part) for part in key).encode()).digest()
