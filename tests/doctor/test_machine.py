import shutil
from importlib import metadata
from types import SimpleNamespace

import pytest

from dlmath.doctor import machine


def test_an_old_package_is_named(monkeypatch):
    installed = metadata.version
    monkeypatch.setattr(machine, "requires", lambda name: ["numpy>=99", "keras>=3", "no-such>=1"])
    monkeypatch.setattr(machine, "version", installed)
    verdict = machine.versions()
    assert verdict.word == "warning"
    assert f"numpy>=99 (found: {installed('numpy')})" in verdict.found
    assert "no-such>=1 (found: None)" in verdict.found
    assert "keras>=3 " not in verdict.found


def test_what_only_extras_need_is_not_missed(monkeypatch):
    monkeypatch.setattr(machine, "requires", lambda name: ['no-such>=1; extra == "serve"'])
    assert machine.versions().word == "ok"


def test_little_memory_is_a_warning(monkeypatch):
    monkeypatch.setattr(machine, "_memory", lambda: (2**30, 2**34))
    assert machine.memory().word == "warning"
    monkeypatch.setattr(machine, "_memory", lambda: (2**33, 2**34))
    assert machine.memory().found.startswith("16.0 GiB, 8.0 GiB of it free")
    monkeypatch.setattr(machine, "_memory", lambda: (None, None))
    assert machine.memory().word == "ok"


@pytest.mark.parametrize(("free", "word"), [(2**20, "warning"), (2**40, "ok")])
def test_a_full_disk_is_a_warning(monkeypatch, free, word):
    monkeypatch.setattr(shutil, "disk_usage", lambda path: SimpleNamespace(free=free))
    assert machine.disk().word == word


def test_caches_are_added_up(tmp_path, monkeypatch):
    monkeypatch.setenv("DLMATH_HOME", str(tmp_path / "home"))
    assert machine.caches().found == "There is no cache yet."
    (tmp_path / "home" / "archives").mkdir(parents=True)
    (tmp_path / "home" / "archives" / "x").write_bytes(b"x")
    assert "archives 1 byte" in machine.caches().found


def test_data_at_hand_are_named(tmp_path, monkeypatch):
    monkeypatch.setenv("DLMATH_DATA", str(tmp_path))
    monkeypatch.setenv("DLMATH_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "malaria").mkdir()
    found = machine.data().found
    assert found.startswith("Data of malaria; none of ")
    assert "pneumonia" in found
