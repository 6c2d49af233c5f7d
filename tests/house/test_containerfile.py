"""The Containerfile copies what is there, installs by hashes, and ends as an ordinary user."""

import fnmatch
import json
import re
import tomllib
from pathlib import Path

from packaging.requirements import Requirement

from dlmath.serving.security import is_loopback

Instruction = tuple[str, str]


def stages(repository: Path) -> list[list[Instruction]]:
    """Return the instructions of each stage: (word, the rest with its lines joined)."""
    text = (repository / "Containerfile").read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    joined = re.sub(r"\\\n\s*", "", "\n".join(lines))
    found: list[list[Instruction]] = []
    for line in filter(None, joined.splitlines()):
        word, _, rest = line.partition(" ")
        if word == "FROM":
            found.append([])
        found[-1].append((word, rest))
    return found


def rest_of(stage: list[Instruction], word: str) -> list[str]:
    return [rest for name, rest in stage if name == word]


def copied(repository: Path) -> list[str]:
    """Return what is copied out of the checkout."""
    words = [rest.split() for stage in stages(repository) for rest in rest_of(stage, "COPY")]
    return [name for copy in words if not copy[0].startswith("--from") for name in copy[:-1]]


def ignored(repository: Path, name: str) -> bool:
    """Whether `.containerignore` leaves a name out: its last line that fits decides."""
    verdict = False
    for line in (repository / ".containerignore").read_text(encoding="utf-8").splitlines():
        pattern = line.removeprefix("!").removeprefix("**/")
        if pattern and not pattern.startswith("#") and fnmatch.fnmatch(name, pattern):
            verdict = not line.startswith("!")
    return verdict


def test_what_is_copied_is_tracked_and_not_ignored(repository: Path) -> None:
    names = copied(repository)
    assert {"requirements/serve.txt", "pyproject.toml", "dlmath", "cli", "models"} <= set(names)
    for name in names:
        assert (repository / name).exists(), name
        assert not ignored(repository, name), name
    for name in ("runs", ".git", ".venv", "tests", "__pycache__"):
        assert ignored(repository, name), name


def test_the_container_reads_dicom_files(repository: Path) -> None:
    project = tomllib.loads((repository / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"]
    serve = {Requirement(line).name for line in extras["serve"]}
    assert {Requirement(line).name for line in extras["dicom"]} <= serve
    (lock,) = [name for name in copied(repository) if name.startswith("requirements/")]
    assert "\npydicom==" in (repository / lock).read_text(encoding="utf-8")


def test_what_the_wheel_is_built_from_is_copied(repository: Path) -> None:
    pyproject = (repository / "pyproject.toml").read_text(encoding="utf-8")
    needed = re.findall(r'^readme = "(.+)"', pyproject, re.MULTILINE)
    (listed,) = re.findall(r"^license-files = (\[.*\])", pyproject, re.MULTILINE)
    assert {*needed, *json.loads(listed)} <= set(copied(repository))


def test_everything_is_installed_by_its_hash(repository: Path) -> None:
    installs = [
        command
        for stage in stages(repository)
        for rest in rest_of(stage, "RUN")
        for command in rest.split("&&")
        if "pip install" in command
    ]
    locked, own = installs
    assert "--require-hashes --requirement requirements/serve.txt" in locked
    assert "--no-deps --no-index /wheel/" in own
    lock = (repository / "requirements" / "serve.txt").read_text(encoding="utf-8")
    pins = re.findall(r"^\S+==\S+.*\\\n +--hash=sha256:", lock, re.MULTILINE)
    assert len(pins) == len(re.findall(r"^[A-Za-z]", lock, re.MULTILINE)) > 50


def test_the_last_stage_is_slim_and_ends_as_an_ordinary_user(repository: Path) -> None:
    build, last = stages(repository)
    (base,) = rest_of(last, "FROM")
    assert rest_of(build, "FROM") == [f"{base} AS build"]
    assert "-slim-" in base
    assert rest_of(last, "RUN") == []  # so nothing is installed there, a compiler least of all
    (user,) = rest_of(last, "USER")
    assert all(int(number) >= 1000 for number in user.split(":"))


def test_nothing_secret_and_no_model_is_inside(repository: Path) -> None:
    for stage in stages(repository):
        assert not any("TOKEN" in rest for rest in rest_of(stage, "ENV"))
    assert not {"runs", "."} & set(copied(repository))


def test_it_serves_the_mounted_run_on_the_port_that_is_exposed(repository: Path) -> None:
    _, last = stages(repository)
    (entry,) = rest_of(last, "ENTRYPOINT")
    (default,) = rest_of(last, "CMD")
    (port,) = rest_of(last, "EXPOSE")
    (check,) = rest_of(last, "HEALTHCHECK")
    command = json.loads(entry)
    assert command[:2] == ["dlmath", "serve"]
    assert command[command.index("--port") + 1] == port
    assert json.loads(default) == ["/model"]
    assert f"127.0.0.1:{port}/healthz" in check
    assert rest_of(last, "STOPSIGNAL") == ["SIGTERM"]


def test_it_is_reached_from_outside_and_so_asks_for_a_token(repository: Path) -> None:
    _, last = stages(repository)
    (entry,) = rest_of(last, "ENTRYPOINT")
    command = json.loads(entry)
    host = command[command.index("--host") + 1]
    assert host == "0.0.0.0"  # the loopback of a container is reached by nobody else
    assert not is_loopback(host)
