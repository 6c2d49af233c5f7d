"""The locks fit pyproject.toml, fit one another, and pin everything by hash."""

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement

EXTRAS = {"base": None, "dev": "dev", "export": "export", "gpu": "gpu", "serve": "serve"}
PIN = re.compile(
    r"^(?P<requirement>[^\s#\\][^\\]*?) \\\n(?P<hashes>(?: +--hash=.*\n)+)", re.MULTILINE
)
STALE = "run `make lock`"


def read_lock(repository: Path, name: str) -> list[Requirement]:
    text = (repository / "requirements" / f"{name}.txt").read_text()
    pins = [Requirement(found["requirement"]) for found in PIN.finditer(text)]
    lines = [line for line in text.splitlines() if line and not line.startswith((" ", "#"))]
    assert len(pins) == len(lines) > 20, f"{name}.txt holds a line without a hash: {STALE}"
    return pins


def required(repository: Path, extra: str | None) -> list[Requirement]:
    """What pyproject.toml asks for, together with requirements/lock.in."""
    project = tomllib.loads((repository / "pyproject.toml").read_text())["project"]
    lines = list(project["dependencies"])
    if extra is not None:
        lines += project["optional-dependencies"][extra]
    extra_file = (repository / "requirements" / "lock.in").read_text()
    lines += [line.partition("#")[0] for line in extra_file.splitlines() if line[:1].isalpha()]
    return [Requirement(line) for line in lines]


def unmet(requirements: list[Requirement], pins: list[Requirement]) -> list[str]:
    """The requirements that no pin of the same name fulfils."""
    return [
        str(wanted)
        for wanted in requirements
        if not (versions := [version_of(pin) for pin in pins if pin.name == wanted.name.lower()])
        or not all(wanted.specifier.contains(version) for version in versions)
    ]


def version_of(pin: Requirement) -> str:
    (specifier,) = pin.specifier
    assert specifier.operator == "==", pin
    return specifier.version


@pytest.mark.parametrize("name", EXTRAS)
def test_the_lock_fulfils_pyproject(name: str, repository: Path) -> None:
    assert unmet(required(repository, EXTRAS[name]), read_lock(repository, name)) == [], STALE


@pytest.mark.parametrize("name", sorted(EXTRAS.keys() - {"dev"}))
def test_the_lock_agrees_with_dev(name: str, repository: Path) -> None:
    dev = {(pin.name, str(pin.marker)): version_of(pin) for pin in read_lock(repository, "dev")}
    versions: dict[str, set[str]] = {}
    for (package, _), version in dev.items():
        versions.setdefault(package, set()).add(version)

    other = [
        str(pin)
        for pin in read_lock(repository, name)
        if version_of(pin) not in versions.get(pin.name, {version_of(pin)})
    ]
    assert other == [], STALE


def test_no_lock_holds_an_address(repository: Path) -> None:
    for file in (repository / "requirements").iterdir():
        assert "://" not in file.read_text(), file.name


def test_only_the_gpu_lock_holds_gpu_packages(repository: Path) -> None:
    holds = {
        name: any(pin.name.startswith("nvidia-") for pin in read_lock(repository, name))
        for name in EXTRAS
    }
    assert holds == {name: name == "gpu" for name in EXTRAS}


def test_a_stale_lock_is_found() -> None:
    pins = [Requirement("numpy==2.4.6"), Requirement("rich==15.0.0")]
    wanted = [Requirement("numpy>=2.5"), Requirement("rich>=14"), Requirement("typer>=0.29")]
    assert unmet(wanted, pins) == ["numpy>=2.5", "typer>=0.29"]
