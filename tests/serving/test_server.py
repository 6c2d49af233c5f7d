"""The address that a server prints is one that leads to it."""

import errno
import socket
from typing import Any
from urllib.parse import urlsplit

import pytest

from dlmath.errors import UserError
from dlmath.serving import server
from dlmath.serving.server import Address, Callbacks


def printed(host: str, token: str | None = None) -> tuple[str, list[str]]:
    """Return the address that others are told, and what is said of it; it must answer there."""
    said: list[str] = []
    with server._listen(Address(host, 0)) as listening:
        url = server._url(host, listening)
        where = urlsplit(url)
        assert where.hostname is not None
        socket.create_connection((where.hostname, where.port), 60).close()
    server._announce(url, host, token, Callbacks(said.append, said.append))
    return url, said


def test_on_loopback_it_is_that_of_this_machine() -> None:
    url, said = printed("127.0.0.1")
    assert urlsplit(url).hostname == "127.0.0.1"
    assert len(said) == 1


@pytest.fixture
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    class Alone(socket.socket):
        def connect(self, address: Any) -> None:
            raise OSError("Network is unreachable")

    monkeypatch.setattr(server.socket, "socket", Alone)


def test_where_it_listens_to_all_it_is_that_of_the_machine_in_its_network(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(server, "_own_address", lambda family: "127.0.0.2")
    url, said = printed("0.0.0.0", "secret")
    port = urlsplit(url).port
    assert url == f"http://127.0.0.2:{port}"
    assert said[1] == (f"Others reach it there; this machine also by http://localhost:{port}")
    assert f"Open {url}/?token=secret" in said[2]


def test_an_address_of_six_is_in_brackets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "_own_address", lambda family: "fd00::7")
    with server._listen(Address("127.0.0.1", 0)) as listening:
        assert server._url("::", listening).startswith("http://[fd00::7]:")


def test_the_own_address_is_no_placeholder() -> None:
    assert server._own_address(socket.AF_INET) not in ("0.0.0.0", "192.0.2.1", "")


def test_without_a_network_it_is_localhost(no_network: None) -> None:
    assert server._own_address(socket.AF_INET) == "localhost"
    assert server._own_address(socket.AF_INET6) == "localhost"


@pytest.mark.parametrize(
    ("error", "advice"),
    [
        (OSError(errno.EADDRINUSE, "Address already in use"), "Pass another --port"),
        (OSError(errno.EADDRNOTAVAIL, "Cannot assign"), "Pass an address of this machine with"),
        (socket.gaierror(-2, "Name or service not known"), "Pass an address of this machine with"),
        (PermissionError(errno.EACCES, "Permission denied"), "Pass a --port of 1024 or more"),
    ],
)
def test_the_advice_is_about_the_option_at_fault(monkeypatch, error, advice):
    def refuse(*_, **__):
        raise error

    monkeypatch.setattr(server.socket, "create_server", refuse)
    with pytest.raises(UserError, match=advice):
        server._listen(Address("127.0.0.1", 80))
