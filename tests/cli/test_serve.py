"""`dlmath serve` as a process of its own: its port, its signals, its token, slow clients."""

import contextlib
import os
import signal
import socket
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from typer.testing import CliRunner

from dlmath.cli.main import app
from dlmath.errors import RunError, UserError
from dlmath.runs import Run
from tests.support import tiny_network


class Served:
    """A server at work, and what it says."""

    def __init__(self, *arguments: str, **environment: str):
        command = [*tiny_network.SERVE, *arguments, "--port", "0"]
        self.process = subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, **environment},
        )
        assert self.process.stdout is not None
        self.url = self.process.stdout.readline().strip()
        if not self.url:
            pytest.fail(f"The server did not start: {self.process.communicate()[1]}")

    def connect(self) -> socket.socket:
        """Return a connection that waits for its answers as long as the test may take."""
        where = urlsplit(self.url)
        assert where.hostname is not None
        return socket.create_connection((where.hostname, where.port), 60)

    def stop(self, number: int = signal.SIGTERM) -> tuple[int, str, str]:
        """Return the exit code and what was said."""
        self.process.send_signal(number)
        out, said = self.process.communicate(timeout=60)
        return self.process.returncode, out, said


@contextlib.contextmanager
def served(*arguments: str, **environment: str) -> Iterator[Served]:
    found = Served(*arguments, **environment)
    try:
        yield found
    finally:
        found.process.kill()
        found.process.communicate()


def picture(run: Run) -> Path:
    return sorted((run.folder.parents[1] / "data" / "test").rglob("*.png"))[0]


def answer_to(connection: socket.socket, request: bytes) -> bytes:
    """Return all that comes until the server closes."""
    connection.sendall(request)
    found = b""
    while received := connection.recv(65536):
        found += received
    return found


@pytest.mark.slow
def test_a_server_answers_and_ends_in_order(light_run: Run, tmp_path: Path) -> None:
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    with served(str(light_run.folder), "--api-only", "--verbose", TMPDIR=str(temporary)) as server:
        upload = {"file": ("of-a-patient.png", picture(light_run).read_bytes())}
        answer = httpx.post(f"{server.url}/predict", files=upload, timeout=60)
        foreign = httpx.get(f"{server.url}/healthz", headers={"host": "evil.org"}, timeout=60)
        origin = {"origin": "http://evil.org"}
        posted = httpx.post(f"{server.url}/predict", headers=origin, timeout=60)
        code, out, said = server.stop()

    assert answer.json()[0]["class"] in light_run.recipe.classes
    assert (foreign.status_code, posted.status_code) == (421, 403)
    assert (code, out) == (0, "")
    assert "POST /predict 200" in said
    assert "of-a-patient" not in said
    assert list(temporary.iterdir()) == []


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_what_has_begun_is_finished_after_a_signal(light_run: Run, number: int) -> None:
    body = picture(light_run).read_bytes()
    head = (
        b'--limit\r\nContent-Disposition: form-data; name="file"; filename="a.png"\r\n\r\n' + body
    )
    whole = head + b"\r\n--limit--\r\n"
    request = (
        b"POST /predict HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
        b"Content-Type: multipart/form-data; boundary=limit\r\n"
        b"Expect: 100-continue\r\nContent-Length: %d\r\n\r\n" % len(whole)
    )
    with served(str(light_run.folder), "--api-only") as server:
        with server.connect() as connection:
            connection.sendall(request)
            assert b"100 Continue" in connection.recv(1000)  # it reads the body: it has begun
            server.process.send_signal(number)
            _until_refused(server)
            answer = answer_to(connection, whole)
        server.process.communicate(timeout=60)

    assert answer.startswith(b"HTTP/1.1 200")
    assert server.process.returncode == 0


def _until_refused(server: Served) -> None:
    """Wait until it takes no new connection."""
    while True:
        try:
            server.connect().close()
        except OSError:
            return


@pytest.mark.slow
def test_a_second_signal_ends_at_once(light_run: Run, tmp_path: Path) -> None:
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    arguments = (str(light_run.folder), "--api-only")
    with (
        served(*arguments, TMPDIR=str(temporary)) as server,
        server.connect() as connection,
    ):
        connection.sendall(
            b"POST /v1/models/tiny:predict HTTP/1.1\r\nHost: localhost\r\n"
            b"Expect: 100-continue\r\nContent-Length: 9\r\n\r\n"
        )
        assert b"100 Continue" in connection.recv(1000)
        server.process.send_signal(signal.SIGTERM)
        _until_refused(server)
        code, _, _ = server.stop()

    assert code == 128 + signal.SIGTERM
    assert list(temporary.iterdir()) == []


@pytest.mark.slow
def test_broken_slow_and_old_requests_have_answers(light_run: Run) -> None:
    with served(str(light_run.folder), "--api-only") as server:
        found: dict[str, bytes] = {}
        requests = {
            "broken": b"hello\r\n\r\n",
            "slow": b"GET /healthz HTTP/1.1\r\nHost: loc",
            "old": b"GET /healthz HTTP/1.0\r\nHost: localhost\r\n\r\n",
            "nameless": b"GET /healthz HTTP/1.0\r\n\r\n",
        }

        def ask(name: str, request: bytes) -> None:
            with server.connect() as connection:
                found[name] = answer_to(connection, request)

        threads = [threading.Thread(target=ask, args=pair) for pair in requests.items()]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    assert {name: int(answer.split()[1]) for name, answer in found.items()} == {
        "broken": 400,
        "slow": 408,
        "old": 200,
        "nameless": 421,
    }
    assert b'{"error": ' in found["slow"]
    assert b'{"error": ' in found["broken"]


@pytest.mark.slow
def test_beyond_this_machine_a_token_is_asked_for(light_run: Run) -> None:
    with served(
        str(light_run.folder), "--api-only", "--host", "0.0.0.0", DLMATH_TOKEN="of-our-own"
    ) as server:
        without = httpx.get(f"{server.url}/metrics", timeout=60)
        token = {"authorization": "Bearer of-our-own"}
        shown = httpx.get(f"{server.url}/metrics", headers=token, timeout=60)
        code, _, said = server.stop()

    assert (without.status_code, shown.status_code, code) == (401, 200, 0)
    assert "of-our-own" not in said


def test_a_port_that_is_taken_is_one_message(light_run: Run) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        found = CliRunner().invoke(app, ["serve", str(light_run.folder), "--port", str(port)])

    assert isinstance(found.exception, UserError)
    assert f"127.0.0.1:{port}" in str(found.exception)
    assert "--port" in str(found.exception)


def test_without_a_run_the_message_says_how_to_make_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    found = CliRunner().invoke(app, ["serve"])

    assert isinstance(found.exception, RunError)
    assert "dlmath train" in str(found.exception)


def test_a_missing_package_is_named_with_what_installs_it(monkeypatch: pytest.MonkeyPatch) -> None:
    def find(name: str, *_: Any) -> object | None:
        return None if name == "gradio" else object()

    monkeypatch.setattr("importlib.util.find_spec", find)

    found = CliRunner().invoke(app, ["serve"])

    assert isinstance(found.exception, UserError)
    assert "gradio" in str(found.exception)
    assert "pip install 'dlmath[serve]'" in str(found.exception)


def test_a_damaged_run_ends_the_start_with_its_message(light_run: Run) -> None:
    light_run.light_network_path.write_bytes(b"damaged")

    found = CliRunner().invoke(app, ["serve", str(light_run.folder), "--port", "0", "--api-only"])

    assert isinstance(found.exception, RunError)
    assert light_run.light_network_path.name in str(found.exception)
