"""In what a run would go on otherwise than it began.

Its last bits depend on all of this, so a resumed run is the uninterrupted one only without any.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from dlmath.data.specification import SPECIFICATION
from dlmath.data.splits import split_hash
from dlmath.errors import RunError
from dlmath.runs import Run
from dlmath.training import manifest
from dlmath.training.devices import Placement
from dlmath.training.prepare import Prepared


def differences(
    recorded: Mapping[str, Any],
    prepared: Prepared,
    placement: Placement,
    threads: Mapping[str, int],
) -> list[str]:
    """Return each difference as `what: then, now`.

    Args:
        recorded: The run's manifest; what it does not tell is not compared.
        prepared: Recipe and data as they are now.
        placement: Of the device that would train now.
        threads: In force now.
    """
    pairs = (
        ("recipe", recorded.get("recipe"), prepared.recipe.as_dict()),
        ("version of", recorded.get("versions"), manifest.versions()),
        ("threads", recorded.get("threads"), threads),
        ("device", recorded.get("device"), placement.as_dict()),
    )
    found = [line for what, then, now in pairs for line in _entries(what, then or {}, now)]
    then = {
        "platform": recorded.get("platform"),
        "preprocessing": recorded.get("preprocessing"),
        "split.csv": recorded.get("split", {}).get("sha256"),
        "file of weights": recorded.get("weights_file"),
    }
    now = {
        "platform": manifest.platform_name(),
        "preprocessing": SPECIFICATION,
        "split.csv": split_hash(prepared.split),
        "file of weights": manifest.weights_sha256(prepared.recipe),
    }
    return found + [
        f"{what}: {then[what]}, now {now[what]}"
        for what in then
        if then[what] not in (None, now[what])
    ]


def _entries(what: str, then: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[str]:
    for name, value in then.items():
        if name not in now:
            yield f"{what} {name}: {value!r}, now unknown"
        elif now[name] != value:
            yield f"{what} {name}: {value!r}, now {now[name]!r}"


def refuse_differences(run: Run, found: list[str]) -> None:
    """Refuse to go on otherwise than the run began.

    Raises:
        RunError: Names each difference.
    """
    if found:
        raise RunError(
            f"{run.folder} would not go on as it began:\n"
            + "\n".join(f"  {line}" for line in found)
            + "\nGo back to that, or go on all the same with --force: the manifest will say so."
        )
