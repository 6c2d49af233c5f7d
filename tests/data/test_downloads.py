import dataclasses
import hashlib
import io
import json
import os
import re
import signal
import subprocess
import sys
import zipfile
from types import SimpleNamespace

import pytest
from PIL import Image

from dlmath.data import downloads, placing
from dlmath.data.downloads import download
from dlmath.data.locate import data_at_hand
from dlmath.data.locks import held
from dlmath.data.sources import read_sources
from dlmath.data.transfer import Patience
from dlmath.errors import DataError, Stopped
from dlmath.models import RECIPES
from dlmath.models.recipes import TASKS
from dlmath.reporting import Reporter
from tests.support import faulty_server

HASTY = Patience(timeout=5, retries=2, first_pause=0)
CELLS = [
    *[f"cell_images/Parasitized/C{n}P1thinF_IMG_1_cell_{n}.png" for n in range(1, 4)],
    "cell_images/Parasitized/Thumbs.db",
    *[f"cell_images/Uninfected/C{n}_thinF_IMG_1_cell_{n}.png" for n in range(4, 7)],
    "cell_images/Uninfected/Thumbs.db",
]
FILMS = [
    "chest_xray/.DS_Store",
    *[f"chest_xray/{part}/NORMAL/IM-000{n}-0001.jpeg" for part, n in [("train", 1), ("test", 2)]],
    *[f"chest_xray/train/PNEUMONIA/person{n}_virus_1.jpeg" for n in (3, 4)],
    "chest_xray/test/PNEUMONIA/person5_bacteria_1.jpeg",
    "__MACOSX/chest_xray/train/NORMAL/._IM-0001-0001.jpeg",
]


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("no_proxy", "*")
    monkeypatch.setenv("DLMATH_HOME", str(tmp_path / "home"))
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    return tmp_path / "home"


def pack(names):
    """A zip of images of the layout that the names give, each of its own shade."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for shade, name in enumerate(names):
            is_image = name.endswith((".png", ".jpeg")) and "/._" not in name
            image = io.BytesIO()
            kind = "PNG" if name.endswith("png") else "JPEG"
            Image.effect_noise((40, 40), 10 + shade).convert("RGB").save(image, kind)
            archive.writestr(name, image.getvalue() if is_image else b"next to the images")
    return packed.getvalue()


@pytest.fixture
def cells(monkeypatch):
    """The bytes of a small archive of cells, which stands in for the official one."""
    content = pack(CELLS)
    small = dataclasses.replace(
        TASKS["malaria"].archive,
        size=len(content),
        sha256=hashlib.sha256(content).hexdigest(),
        about=len(content),
        images={"Parasitized": 3, "Uninfected": 3},
    )
    monkeypatch.setitem(TASKS, "malaria", dataclasses.replace(TASKS["malaria"], archive=small))
    return content


@pytest.fixture
def films(monkeypatch):
    """The same of chest X-rays, whose official size and sha256 are not known."""
    content = pack(FILMS)
    assert len(content) < 100_000
    images = {"NORMAL": 2, "PNEUMONIA": 3}
    task = TASKS["pneumonia"]
    small = dataclasses.replace(task.archive, about=100_000, images=images)
    monkeypatch.setitem(TASKS, "pneumonia", dataclasses.replace(task, archive=small))
    return content


class Log(Reporter):
    def __init__(self):
        self.said = []
        self.tasks = set()

    def say(self, message):
        self.said.append(message)

    def progress(self, task, done, total, note=""):
        self.tasks.add(task)


@pytest.mark.parametrize("task", ["malaria", "pneumonia"])
def test_what_is_downloaded_is_found_and_read_without_a_further_word(request, home, task):
    content = request.getfixturevalue({"malaria": "cells", "pneumonia": "films"}[task])
    log = Log()
    with faulty_server.serve(content) as server:
        folder = download(task, mirror=server.url, patience=HASTY, reporter=log)
    assert data_at_hand(task) == folder == home / "data" / task
    recipe = RECIPES[task]
    dataset = read_sources([folder], classes=recipe.classes, patient_rules=recipe.patient_rules)
    assert len(dataset.examples) == sum(TASKS[task].archive.images.values())
    assert all(example.patient for example in dataset.examples)
    assert {"downloading, MiB", "checking, MiB", "unpacking"} <= log.tasks
    assert [path.name for path in folder.parent.iterdir()] == [task]  # nothing next to it


def test_the_licence_and_what_to_cite_are_told_and_kept(cells):
    log = Log()
    with faulty_server.serve(cells) as server:
        folder = download("malaria", mirror=server.url, patience=HASTY, reporter=log)
    assert "Public domain" in (folder / "LICENSE.txt").read_text()
    assert "peerj.4568" in (folder / "CITATION.txt").read_text()
    assert any("Public domain" in said and "peerj.4568" in said for said in log.said)
    source = json.loads((folder / "SOURCE.json").read_text())
    assert source["from"] == server.url
    assert source["sha256"] == hashlib.sha256(cells).hexdigest()
    assert source["sha256_was_known"] is True


def test_what_is_there_is_not_fetched_again(cells):
    log = Log()
    with faulty_server.serve(cells) as server:
        for _ in range(2):
            folder = download("malaria", mirror=server.url, patience=HASTY, reporter=log)
    assert len(server.received) == 1
    assert log.said[-1] == f"{folder} holds the images of cell_images.zip already."


def test_a_folder_that_lost_an_image_is_not_taken_for_whole(cells):
    with faulty_server.serve(cells) as server:
        folder = download("malaria", mirror=server.url, patience=HASTY)
    next(folder.rglob("*.png")).unlink()
    with pytest.raises(DataError, match="does not hold the 6 images"):
        download("malaria", patience=HASTY)


def test_another_folder(cells, tmp_path):
    (tmp_path / "mine").mkdir()  # empty, as a user may have made it
    with faulty_server.serve(cells) as server:
        folder = download("malaria", mirror=server.url, out=tmp_path / "mine", patience=HASTY)
    assert folder == tmp_path / "mine"
    assert len(read_sources([folder]).examples) == 6
    assert data_at_hand("malaria") is None


def test_a_folder_of_something_else_is_left_alone(cells, tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("ten years")
    with pytest.raises(DataError, match=r"is not empty.*--out DIR"):
        download("malaria", out=tmp_path / "mine")
    assert [path.name for path in (tmp_path / "mine").iterdir()] == ["thesis.txt"]


def files_in(folder):
    return sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file())


def test_wrong_bytes_are_deleted_and_the_next_attempt_is_whole(cells, home):
    wrong = faulty_server.Reply(content=cells[:-9] + bytes(9))
    with faulty_server.serve(cells, [wrong]) as server:
        with pytest.raises(DataError, match=r"is not cell_images.zip as it was published.*deleted"):
            download("malaria", mirror=server.url, patience=HASTY)
        assert files_in(home) == []
        folder = download("malaria", mirror=server.url, patience=HASTY)
    assert len(read_sources([folder]).examples) == 6


@pytest.mark.parametrize("shorter", [1, 200, 100_000])
def test_an_archive_broken_off_is_found_without_a_checksum(films, home, shorter):
    cut = faulty_server.Reply(content=films[: max(0, len(films) - shorter)])
    with (
        faulty_server.serve(films, then=cut) as server,
        pytest.raises(DataError, match=r"is damaged or no zip.*deleted"),
    ):
        download("pneumonia", mirror=server.url, patience=HASTY)
    assert files_in(home) == []


def test_a_length_that_promises_too_little_is_found(cells, home):
    liar = faulty_server.Reply(length=len(cells) - 100)
    with (
        faulty_server.serve(cells, then=liar) as server,
        pytest.raises(DataError, match=r"as it was published"),
    ):
        download("malaria", mirror=server.url, patience=HASTY)
    assert files_in(home) == []


def test_an_archive_of_other_images_is_known_by_their_number(films, cells, home):
    with (
        faulty_server.serve(cells) as server,
        pytest.raises(DataError, match=r"expected 2 NORMAL, 3 PNEUMONIA. Received: 3 Parasitized"),
    ):
        download("pneumonia", mirror=server.url, patience=HASTY)
    assert files_in(home) == []


@pytest.mark.parametrize(
    ("said", "mirror"), [("answered 404", True), ("begins with https://", False)]
)
def test_what_cannot_be_fetched_says_what_else_to_do(cells, home, said, mirror):
    with faulty_server.serve(cells, then=faulty_server.Reply(status=404)) as server:
        url = server.url if mirror else "file:///archive.zip"
        with pytest.raises(DataError, match=rf"{said}.*--archive FILE"):
            download("malaria", mirror=url, patience=HASTY)
    assert files_in(home) == []


def test_an_archive_at_hand(cells, tmp_path, home):
    archive = tmp_path / "from_a_colleague.zip"
    archive.write_bytes(cells)
    folder = download("malaria", archive=archive)
    assert len(read_sources([folder]).examples) == 6
    assert archive.read_bytes() == cells


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (pack(FILMS), "is not cell_images.zip as it was published"),
        (b"no zip at all", "is not cell_images.zip as it was published"),
        (None, "Cannot read"),
    ],
    ids=["other images", "no zip", "missing"],
)
def test_a_wrong_archive_at_hand_is_refused_and_kept(cells, tmp_path, home, content, message):
    archive = tmp_path / "mine.zip"
    if content is not None:
        archive.write_bytes(content)
    with pytest.raises(DataError, match=message):
        download("malaria", archive=archive)
    assert archive.exists() == (content is not None)
    assert files_in(home) == []


def test_too_small_a_disk_is_found_before_a_byte_is_asked_for(cells, monkeypatch):
    monkeypatch.setattr(placing.shutil, "disk_usage", lambda _: SimpleNamespace(free=len(cells)))
    with faulty_server.serve(cells) as server, pytest.raises(DataError, match="are free"):
        download("malaria", mirror=server.url, patience=HASTY)
    assert server.received == []


def test_a_disk_that_fills_up_costs_nothing_that_is_there(cells, home, monkeypatch):
    def full(partial):
        raise OSError(28, "No space left on device")

    cut = faulty_server.Reply(cut_after=2_000)
    with faulty_server.serve(cells, [cut]) as server:
        with monkeypatch.context() as patch:
            patch.setattr(downloads.Partial, "appending", full)
            with pytest.raises(DataError, match=r"No space left.*the same command goes on"):
                download("malaria", mirror=server.url, patience=HASTY)
        download("malaria", mirror=server.url, patience=HASTY)


def test_a_disk_that_fills_up_while_unpacking_keeps_the_archive(cells, home, monkeypatch):
    frees = iter([10**9, 10])  # before the download, before the unpacking
    with faulty_server.serve(cells) as server:
        with monkeypatch.context() as patch:
            patch.setattr(placing.shutil, "disk_usage", lambda _: SimpleNamespace(free=next(frees)))
            with pytest.raises(DataError, match="are free"):
                download("malaria", mirror=server.url, patience=HASTY)
        download("malaria", mirror=server.url, patience=HASTY)
    assert len(server.received) == 1


def test_ctrl_c_keeps_what_is_there(cells, home, monkeypatch):
    class Impatient(Log):
        def progress(self, task, done, total, note=""):
            raise KeyboardInterrupt

    with faulty_server.serve(cells, [faulty_server.Reply(stall_after=2_000)]) as server:
        with pytest.raises(Stopped, match="the same command goes on") as stopped:
            download("malaria", mirror=server.url, patience=HASTY, reporter=Impatient())
        assert stopped.value.exit_code == 128 + signal.SIGINT
        download("malaria", mirror=server.url, patience=HASTY)
    assert server.received[1].range == "bytes=2000-"


def test_a_second_download_at_the_same_time_is_refused(cells, home):
    work = home / "data" / ".malaria.download"
    work.mkdir(parents=True)
    with (
        held(work / "lock", "downloading malaria"),
        pytest.raises(DataError, match=rf"Another process \({os.getpid()}\) is downloading"),
    ):
        download("malaria", patience=HASTY)


PROGRAM = """
import dataclasses, sys
from dlmath.data.downloads import download
from dlmath.models.recipes import TASKS

small = dataclasses.replace(
    TASKS["malaria"].archive, size=None, sha256=None, about=10**6,
    images={"Parasitized": 3, "Uninfected": 3},
)
TASKS["malaria"] = dataclasses.replace(TASKS["malaria"], archive=small)
print(download("malaria", mirror=sys.argv[1]))
"""


def test_after_kill_9_the_next_process_goes_on(cells, home):
    stall = faulty_server.Reply(stall_after=5_000)
    with faulty_server.serve(cells, [stall]) as server:
        command = [sys.executable, "-c", PROGRAM, server.url]
        killed = subprocess.Popen(command, stderr=subprocess.DEVNULL)
        assert server.reached.wait(60)
        partial = home / "data" / ".malaria.download" / "cell_images.zip"
        while not (partial.exists() and partial.stat().st_size):
            assert killed.poll() is None
        killed.kill()
        killed.wait()
        # An interpreter buffers: what it had not written when it died is asked for again.
        kept = partial.stat().st_size
        done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == str(home / "data" / "malaria")
    assert server.received[1].range == f"bytes={kept}-"
    assert server.received[1].status == 206


def test_a_task_without_an_official_archive():
    with pytest.raises(DataError, match=r"Did you mean 'malaria'"):
        download("maleria")


@pytest.mark.parametrize("task", [task for task in TASKS.values() if task.archive])
def test_the_official_archives_are_described_in_full(task):
    official = task.archive
    assert tuple(official.images) == task.recipe.classes
    assert official.url.startswith("https://")
    assert official.page.startswith("https://")
    assert re.fullmatch(r"[0-9a-f]{64}", official.sha256 or "0" * 64)
    assert official.size in (None, official.about)
