"""The commands of docs/serving.md, as they stand there, against the real server."""

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

from dlmath.runs import Run
from tests.support import tiny_network

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(shutil.which("curl") is None, reason="needs curl"),
]


@pytest.fixture(scope="module")
def address(module_light_run: Run) -> Iterator[str]:
    """Of a server of the tiny run."""
    run = module_light_run.folder
    with subprocess.Popen(
        [*tiny_network.SERVE, run, "--port", "0", "--api-only"],
        stdout=subprocess.PIPE,
        text=True,
    ) as server:
        assert server.stdout is not None
        yield server.stdout.readline().strip()
        server.terminate()
        assert server.wait() == 0


@pytest.fixture(scope="module")
def commands(repository: Path, address: str) -> list[str]:
    """The blocks of the page that hold commands, asking this server about its model."""
    text = (repository / "docs" / "serving.md").read_text(encoding="utf-8")
    blocks = re.findall(r"```bash\n(.*?)```", text, re.DOTALL)
    return [
        block.replace("http://127.0.0.1:7860", address).replace("models/pneumonia", "models/tiny")
        for block in blocks
    ]


@pytest.fixture(scope="module")
def answers(commands: list[str], tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """What each line that asks prints, by its last word, in a folder with the two images."""
    folder = tmp_path_factory.mktemp("images")
    for name, shade in (("a.png", 60), ("b.png", 200)):
        Image.new("RGB", (12, 12), (shade, shade, shade)).save(folder / name)
    found = {}
    for line in (line for block in commands for line in block.splitlines()):
        command = line.replace("curl ", "curl --silent --show-error --fail-with-body ", 1)
        done = subprocess.run(["bash", "-c", command], cwd=folder, capture_output=True, check=False)
        assert done.returncode == 0, (line, done.stdout, done.stderr)
        found[line] = done.stdout
    found["map.png"] = (folder / "map.png").read_bytes()
    return found


def test_every_command_is_answered(answers: dict[str, bytes]) -> None:
    asked = [line for line in answers if line.startswith("curl")]
    assert len(asked) == 9
    one, two = (json.loads(answers[line]) for line in asked[:2])
    assert [entry["file"] for entry in one] == ["a.png"]
    assert [entry["file"] for entry in two] == ["a.png", "b.png"]
    (row,) = json.loads(answers[asked[2]])["predictions"]
    assert dict(zip(row["classes"], row["probabilities"], strict=True)) == pytest.approx(
        one[0]["probabilities"]
    )
    (version,) = json.loads(answers[asked[3]])["model_version_status"]
    assert version["state"] == "AVAILABLE"
    signature = json.loads(answers[asked[4]])["metadata"]["signature_def"]["signature_def"]
    assert signature["serving_default"]["outputs"].keys() == row.keys()
    assert answers["map.png"].startswith(b"\x89PNG")
    assert [answers[line] for line in asked[6:8]] == [b"ok\n", b"ready\n"]
    assert b"dlmath_requests_total" in answers[asked[8]]
