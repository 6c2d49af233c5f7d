"""The wheel, and an editable install of a checkout whose links are text files, work anywhere."""

import os
import shutil
import subprocess
import sys
import sysconfig
from dataclasses import dataclass
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

LEFT_OUT = shutil.ignore_patterns(".*", "__pycache__", "*.egg-info", "build", "dist", "runs")


@dataclass(frozen=True)
class Environment:
    """A new virtual environment that sees the packages of this one, but not dlmath."""

    folder: Path

    @classmethod
    def create(cls, folder: Path, *, pip: bool = True) -> "Environment":
        without = [] if pip else ["--without-pip"]
        subprocess.run([sys.executable, "-m", "venv", *without, folder], check=True)
        environment = cls(folder)
        # A path named in a .pth file is searched for packages, but its own .pth files, and with
        # them the editable install of dlmath that runs this test, stay unread.
        target = environment.run("-c", "import sysconfig; print(sysconfig.get_path('purelib'))")
        Path(target.strip(), "parent.pth").write_text(sysconfig.get_path("purelib"))
        if pip:
            # Up to Python 3.11 a new environment brings an old setuptools, which would be found
            # before the one that the lock names.
            environment.run("-m", "pip", "uninstall", "--yes", "--quiet", "setuptools")
        return environment

    def script(self, name: str) -> Path:
        return self.folder / "bin" / name

    def run(
        self, *arguments: str | Path, folder: Path | None = None, script: str = "python"
    ) -> str:
        environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
        done = subprocess.run(
            [self.script(script), *arguments],
            cwd=folder or self.folder,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def install(self, *arguments: str | Path) -> None:
        offline = ("--no-deps", "--no-index", "--no-build-isolation", "--quiet")
        self.run("-m", "pip", "install", *offline, *arguments)


@pytest.fixture
def environment(tmp_path: Path) -> Environment:
    return Environment.create(tmp_path / "environment")


@pytest.fixture
def checkout(repository: Path, tmp_path: Path) -> Path:
    """A copy of the checkout with the two links as git writes them where links are off."""
    copy = tmp_path / "checkout"
    shutil.copytree(repository, copy, symlinks=True, ignore=LEFT_OUT)
    for name in ("cli", "models"):
        link = copy / "dlmath" / name
        link.unlink()
        link.write_text(f"../{name}")
    return copy


def build_wheel(checkout: Path, environment: Environment) -> Path:
    folder = checkout.parent / "wheels"
    folder.mkdir()
    build = f"from setuptools import build_meta; print(build_meta.build_wheel({str(folder)!r}))"
    environment.run("-c", build, folder=checkout)
    (wheel,) = folder.iterdir()
    return wheel


def test_the_wheel_works_from_another_folder(
    checkout: Path, environment: Environment, tmp_path: Path
) -> None:
    environment.install(build_wheel(checkout, environment))
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()

    assert "train" in environment.run("--help", folder=elsewhere, script="dlmath")
    where = environment.run("-c", "import dlmath.models as m; print(m.__file__)", folder=elsewhere)
    assert Path(where).is_relative_to(environment.folder)
    installed = Path(where).parent.parent
    assert (installed / "py.typed").is_file()
    assert sorted(file.name for file in (installed / "evaluation").glob("*.json")) == sorted(
        file.name for file in (checkout / "dlmath" / "evaluation").glob("*.json")
    )
    top_level = "import importlib.util as u; print(u.find_spec('cli'), u.find_spec('models'))"
    assert environment.run("-c", top_level, folder=elsewhere) == "None None\n"


def test_an_editable_install_needs_no_links(checkout: Path, environment: Environment) -> None:
    environment.install("--editable", checkout)

    same = "import models.malaria, dlmath.models.malaria as m; assert models.malaria is m"
    environment.run("-c", same, folder=checkout)
    assert "train" in environment.run("--help", folder=checkout.parent, script="dlmath")
    assert "train" in environment.run("-m", "cli", "--help", folder=checkout)
    report = environment.run("-m", "pytest", "-q", "tests/house/test_checkout.py", folder=checkout)
    assert " passed" in report


def test_without_links_or_install_the_message_says_what_to_do(
    checkout: Path, tmp_path: Path
) -> None:
    environment = Environment.create(tmp_path / "environment", pip=False)
    for arguments in (["-c", "import models"], ["-m", "cli"], ["-m", "pytest"]):
        done = subprocess.run(
            [environment.script("python"), *arguments],
            cwd=checkout,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode != 0
        assert "pip install -e ." in done.stderr.rstrip().splitlines()[-1]
