"""Note what `dlmath data download` does when the line, the server or the disk fails.

    python benchmarks/trials/download_faults.py      (some minutes)

Writes `benchmarks/results/download-faults.json`; docs/downloads.md says how each fault is made.
"""

import dataclasses
import hashlib
import io
import json
import os
import re
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
from PIL import Image

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))  # where `tests` is

from dlmath.runs import write_json  # noqa: E402
from tests.support.faulty_server import FaultyServer, Reply, serve  # noqa: E402

RESULT = ROOT / "benchmarks" / "results" / "download-faults.json"
IMAGES = {
    "malaria": {"Parasitized": 6, "Uninfected": 6},
    "pneumonia": {"NORMAL": 4, "PNEUMONIA": 4},
}
CHECKED = {"malaria": True, "pneumonia": False}  # whether size and sha256 are known
CUT = 100_000  # bytes, within the archive


@dataclass(frozen=True)
class Fault:
    """What fails, and how the command is run while it does.

    Attributes:
        what: A line of the table.
        replies: How the first requests are answered.
        then: How all others are.
        task: Whose archive it is.
        arguments: Of the command, in the place of `--mirror URL`.
        signal: Sent to the process once the server has stalled.
        file_limit: Bytes at which the disk is full.
        free: Bytes that the disk says are free, before anything is fetched.
        second: Whether the command is run a second time while the first one runs.
    """

    what: str
    replies: Sequence[Reply] = ()
    then: Reply = field(default_factory=Reply)
    task: str = "malaria"
    arguments: tuple[str, ...] = ("--mirror", "URL")
    signal: int | None = None
    file_limit: int | None = None
    free: int | None = None
    second: bool = False


@dataclass(frozen=True)
class Outcome:
    """What a run of the command came to.

    Attributes:
        exit_code: Minus the signal that killed it.
        message: The error, or else the last line on stderr.
        requests: Those that the server received, such as "206 (from byte 100,000)".
        left: What lies in the folder of the cache.
    """

    exit_code: int
    message: str
    requests: tuple[str, ...]
    left: str


def faults(archives: dict[str, bytes]) -> list[Fault]:
    """All faults; some are made from the archives."""
    cells, films = archives["malaria"], archives["pneumonia"]
    damaged = cells[: CUT // 2] + bytes([cells[CUT // 2] ^ 1]) + cells[CUT // 2 + 1 :]
    flipped = films[: CUT // 2] + bytes([films[CUT // 2] ^ 1]) + films[CUT // 2 + 1 :]
    cut = Reply(cut_after=CUT)
    return [
        Fault("none"),
        Fault("the line is cut midway", [cut]),
        Fault("the line is cut five times, each time further on", [Reply(cut_after=30_000)] * 5),
        Fault(
            "the line is cut at the same byte for ever, and no range is served",
            then=Reply(cut_after=CUT, ranges=False),
        ),
        Fault("the line is cut, and no range is served", [cut], then=Reply(ranges=False)),
        Fault(
            "the line is cut, and the file changes meanwhile (another ETag)",
            [Reply(content=damaged, cut_after=CUT)],
        ),
        Fault(
            "the line is cut, and the server sends another range than the one asked for",
            [cut, Reply(shift=100)],
        ),
        Fault("the server falls silent midway", [Reply(stall_after=CUT)]),
        Fault("one byte is wrong", then=Reply(content=damaged)),
        Fault("one byte is wrong, sha256 not known", then=Reply(content=flipped), task="pneumonia"),
        Fault(
            "the archive is broken off at the server, sha256 not known",
            then=Reply(content=films[:CUT]),
            task="pneumonia",
        ),
        Fault("another archive, sha256 not known", then=Reply(content=cells), task="pneumonia"),
        Fault("Content-Length promises 100 bytes too many", then=Reply(length=len(cells) + 100)),
        Fault("Content-Length promises 100 bytes too few", then=Reply(length=len(cells) - 100)),
        Fault("there is no Content-Length", then=Reply(length=-1)),
        Fault("a file without end", then=Reply(content=cells * 3, length=-1)),
        Fault("404", then=Reply(status=404)),
        Fault("500 twice, then fine", [Reply(status=500)] * 2),
        Fault("500 for ever", then=Reply(status=500)),
        Fault(
            "429 with Retry-After: 3, then fine", [Reply(status=429, headers={"Retry-After": "3"})]
        ),
        Fault(
            "503 with Retry-After: 86400", then=Reply(status=503, headers={"Retry-After": "86400"})
        ),
        Fault("a redirect", [Reply(status=302, headers={"Location": "/elsewhere.zip"})]),
        Fault(
            "a circle of redirects", then=Reply(status=302, headers={"Location": "/archive.zip"})
        ),
        Fault(
            "a redirect to a file of this machine",
            then=Reply(status=302, headers={"Location": "file:///etc/hostname"}),
        ),
        Fault("nobody answers", arguments=("--mirror", "http://127.0.0.1:1/archive.zip")),
        Fault("the disk is too small, as seen before", free=1_000),
        Fault("the disk fills up midway", file_limit=CUT),
        Fault("the command is run twice at once", [Reply(stall_after=CUT)], second=True),
        Fault("Ctrl-C midway", [Reply(stall_after=CUT)], signal=signal.SIGINT),
        Fault("kill -9 midway", [Reply(stall_after=CUT)], signal=signal.SIGKILL),
        Fault("`--archive` of another file", arguments=("--archive", __file__)),
        Fault("`--archive` of a file that is not there", arguments=("--archive", "none.zip")),
    ]


def main() -> None:
    if sys.argv[1:2] == ["--run"]:
        run_command(json.loads(sys.argv[2]), sys.argv[3:])
    archives = {task: pack(task) for task in IMAGES}
    found = []
    for fault in faults(archives):
        print(fault.what, flush=True)
        found.append({"fault": fault.what, **tried(fault, archives)})
    write_json(RESULT, {"faults": found})


def pack(task: str) -> bytes:
    """A zip of noisy images in the layout of the task's official archive."""
    packed, drawn = io.BytesIO(), np.random.default_rng(0)
    with zipfile.ZipFile(packed, "w") as archive:
        for name in _names(task):
            image = io.BytesIO()
            pixels = drawn.integers(0, 256, (80, 80, 3), np.uint8)
            Image.fromarray(pixels).save(
                image, "PNG" if name.endswith("png") else "JPEG", quality=100
            )
            archive.writestr(zipfile.ZipInfo(name), image.getvalue())
        archive.writestr(zipfile.ZipInfo("__MACOSX/._x"), b"next to the images")
    return packed.getvalue()


def _names(task: str) -> list[str]:
    if task == "malaria":
        return [
            f"cell_images/{label}/C{number}_thinF_IMG_1_cell_{number}.png"
            for label, count in IMAGES[task].items()
            for number in range(count)
        ]
    return [
        f"chest_xray/{'train' if number % 2 else 'test'}/{label}/person{number}_virus_1.jpeg"
        for label, count in IMAGES[task].items()
        for number in range(count)
    ]


def tried(fault: Fault, archives: dict[str, bytes]) -> dict[str, Any]:
    """Run the command with a fault, then without, and return both outcomes."""
    with tempfile.TemporaryDirectory() as home:
        (Path(home) / "work").mkdir()
        with serve(archives[fault.task], fault.replies, fault.then) as server:
            outcome = run(fault, server, Path(home), archives)
            server.be_sound()
            again = run(Fault("none", task=fault.task), server, Path(home), archives)
    return {"with": dataclasses.asdict(outcome), "afterwards": dataclasses.asdict(again)}


def run(fault: Fault, server: FaultyServer, home: Path, archives: dict[str, bytes]) -> Outcome:
    """Run `dlmath data download` with a fault."""
    content = archives[fault.task]
    known = {"size": len(content), "sha256": hashlib.sha256(content).hexdigest()}
    stand_in = {
        "task": fault.task,
        "official": {
            "about": len(content) if CHECKED[fault.task] else 1_000_000,
            "images": IMAGES[fault.task],
            **(known if CHECKED[fault.task] else {}),
        },
        "file_limit": fault.file_limit,
        "free": fault.free,
    }
    arguments = [server.url if argument == "URL" else argument for argument in fault.arguments]
    command = [sys.executable, __file__, "--run", json.dumps(stand_in)]
    command += ["data", "download", fault.task, *arguments, "--timeout", "1", "--retries", "2"]
    if fault.second or fault.signal:  # neither is to end by itself
        command[command.index("--timeout") + 1] = "60"
    environment = {**os.environ, "DLMATH_HOME": str(home), "COLUMNS": "10000", "no_proxy": "*"}
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    process = subprocess.Popen(command, cwd=home / "work", env=environment, **pipes)
    if fault.second or fault.signal:
        _wait_for_bytes(server, home)
    if fault.second:
        second = subprocess.run(command, cwd=home / "work", env=environment, check=False, **pipes)
        left = _left(home)
        server.released.set()
        process.communicate()
        return Outcome(second.returncode, _said(second.stderr, server, home), _of(server), left)
    if fault.signal:
        process.send_signal(fault.signal)
    _, said = process.communicate()
    return Outcome(process.returncode, _said(said, server, home), _of(server), _left(home))


def run_command(stand_in: dict, arguments: list[str]) -> None:
    """Be `dlmath`, with a small archive in the place of the official one."""
    from dlmath.cli.main import main as dlmath
    from dlmath.models.recipes import TASKS

    task = stand_in["task"]
    archive = dataclasses.replace(TASKS[task].archive, **stand_in["official"])
    TASKS[task] = dataclasses.replace(TASKS[task], archive=archive)
    if stand_in["free"] is not None:
        shutil.disk_usage = lambda _: SimpleNamespace(free=stand_in["free"])
    if stand_in["file_limit"] is not None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        limits = (stand_in["file_limit"], resource.getrlimit(resource.RLIMIT_FSIZE)[1])
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    # A shell lets its jobs in the background ignore Ctrl-C, and they pass that on.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    sys.argv = ["dlmath", *arguments]
    dlmath()


def _wait_for_bytes(server: FaultyServer, home: Path) -> None:
    server.reached.wait(60)
    while not any(path.suffix == ".zip" and path.stat().st_size for path in home.rglob("*")):
        pass


def _said(stderr: str, server: FaultyServer, home: Path) -> str:
    """The error, or else the last thing said, without what differs from machine to machine."""
    lines = [line for line in stderr.splitlines() if line.strip()]
    errors = [line for line in lines if line.startswith("Error: ")]
    text = (errors or lines or ["(nothing)"])[-1]
    for given, name in ((server.url, "URL"), (str(home), "HOME"), (__file__, "FILE")):
        text = text.replace(given, name)
    return re.sub(r"process \(\d+\)", "process (N)", text)


def _of(server: FaultyServer) -> tuple[str, ...]:
    return tuple(
        f"{one.status}" + (f" (from byte {int(one.range[6:-1]):,})" if one.range else "")
        for one in server.received
    )


def _left(home: Path) -> str:
    files = [path for path in home.rglob("*") if path.is_file()]
    images = sum(path.suffix in (".png", ".jpeg") for path in files)
    kept = [path for path in files if path.suffix == ".zip"]
    described = [f"{images} images"] if images else []
    described += [f"{path.stat().st_size:,} bytes of the archive" for path in kept]
    return ", ".join(described) or "nothing"


if __name__ == "__main__":
    main()
