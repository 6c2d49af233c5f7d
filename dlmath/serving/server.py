"""Run the site under uvicorn: the port, the signals, the temporary folder, the end."""

import asyncio
import errno
import os
import secrets
import shutil
import signal
import socket
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import FrameType
from typing import Any

import uvicorn

from dlmath.errors import UserError
from dlmath.serving.bodies import BoundedBodies
from dlmath.serving.limits import Limits
from dlmath.serving.observed import Observed
from dlmath.serving.protocol import bounded_protocol
from dlmath.serving.refusal import Refusal
from dlmath.serving.security import Access, Guard, is_loopback
from dlmath.serving.site import Rooms, Site

TOKEN = "DLMATH_TOKEN"
_ALL = ("0.0.0.0", "::", "")  # every address of this machine
_SIGNALS = (signal.SIGINT, signal.SIGTERM)


@dataclass(frozen=True)
class Address:
    """The address of a server: where it listens, and the host names it answers to.

    Attributes:
        host: An address or a name of this machine.
        port: 0 for any that is free.
        further: Names under which it is reached besides.
    """

    host: str = "127.0.0.1"
    port: int = 7860
    further: tuple[str, ...] = ()


@dataclass(frozen=True)
class Callbacks:
    """The functions that a server calls.

    Attributes:
        ready: Receives the address, once requests are answered.
        say: Receives lines for a person.
        log: Receives a line for each request; None for no log.
    """

    ready: Callable[[str], Any]
    say: Callable[[str], Any]
    log: Callable[[str], Any] | None = None


def serve(
    open_service: Callable[[], Any],
    address: Address,
    callbacks: Callbacks,
    *,
    limits: Limits = Limits(),  # noqa: B008  frozen
    with_page: bool = True,
    debug: bool = False,
) -> None:
    """Serve a classifier until a signal comes, then finish what has begun and return.

    It listens before anything slow is loaded, and says that it is starting. A second signal ends
    the process at once.

    Args:
        open_service: Returns the `Service`; called in a thread.
        address: Where to listen. Beyond loopback clients need the token in `DLMATH_TOKEN`, or one
            that is made and said once.
        callbacks: The functions that are called with the address and with messages.
        limits: See there.
        with_page: Whether there is a page besides the API.
        debug: Whether faults are shown with their tracebacks, to the operator.

    Raises:
        UserError: The address cannot be had.
        DlmathError: What `open_service` raises.
    """
    listening = _listen(address)
    token = None if is_loopback(address.host) else os.environ.get(TOKEN) or secrets.token_urlsafe()
    access = Access.of(address.host, token, address.further)
    with _private_folder() as folder:
        running = _Running(open_service, limits, callbacks, with_page=with_page)
        running.url = _url(address.host, listening)
        _announce(running.url, address.host, token, callbacks)
        asyncio.run(running.run(listening, access, folder, debug=debug))
    if running.failure is not None:
        raise running.failure


@dataclass
class _Running:
    """A server at work."""

    open_service: Callable[[], Any]
    limits: Limits
    callbacks: Callbacks
    with_page: bool
    url: str = ""
    failure: BaseException | None = None
    service: Any = None
    server: "_Server | None" = field(default=None, repr=False)

    async def run(
        self, listening: socket.socket, access: Access, folder: str, *, debug: bool
    ) -> None:
        site = Site(self._load, self._loaded)
        bounded = Guard(BoundedBodies(site, self.limits), access)
        app = Observed(bounded, self._note, self.callbacks.log, debug=debug)
        config = uvicorn.Config(
            app,
            http=bounded_protocol(self.limits),
            ws="none",
            loop="asyncio",
            lifespan="on",
            log_config=None,  # ours says what a user needs
            log_level="critical",
            access_log=False,
            server_header=False,
            proxy_headers=False,
            timeout_graceful_shutdown=max(1, round(self.limits.stop_seconds)),
        )
        self.server = _Server(config, site, folder)
        await self.server.serve([listening])

    def _load(self) -> Rooms:
        """Import what is slow, open the model, and make the API and the page."""
        self.service = service = self.open_service()
        from fastapi import FastAPI

        from dlmath.serving.api import create_app

        api = create_app(service)
        page = None
        if self.with_page:
            from dlmath.serving.page import mount_page

            page = FastAPI(openapi_url=None)
            mount_page(page, service)
        return Rooms(api, page, service.close)

    def _loaded(self, error: BaseException | None) -> None:
        assert self.server is not None
        self.failure = error
        if error is not None:
            self.server.should_exit = True
        elif not self.server.should_exit:
            self.callbacks.ready(self.url)

    def _note(self, route: str, status: int, seconds: float, refusal: Refusal | None) -> None:
        if self.service is None:  # nothing counts yet
            return
        self.service.telemetry.request(route, status, seconds)
        if refusal is not None:
            self.service.telemetry.refused(refusal)


class _Server(uvicorn.Server):
    """Uvicorn's server, which by itself would end in the signal that it was stopped by."""

    def __init__(self, config: uvicorn.Config, site: Site, folder: str):
        super().__init__(config)
        self._site = site
        self._folder = folder

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        previous = {number: signal.signal(number, self.handle_exit) for number in _SIGNALS}
        try:
            yield
        finally:
            for number, handler in previous.items():
                signal.signal(number, handler)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        if self.should_exit:  # the second one: at once, whatever is at work
            shutil.rmtree(self._folder, ignore_errors=True)
            os._exit(128 + sig)
        self.should_exit = True

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._site.stop()
        await super().shutdown(sockets)


def _listen(address: Address) -> socket.socket:
    """Return a socket that listens.

    Raises:
        UserError: The port is taken, or the host is not of this machine.
    """
    try:
        found = socket.getaddrinfo(
            address.host, address.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )
        family, _, _, _, where = found[0]
        listening = socket.create_server(where[:2], family=family, backlog=512)
    except OSError as error:
        raise UserError(
            f"Cannot listen on {address.host}:{address.port}: {error.strerror}. {_other_way(error)}"
        ) from error
    listening.setblocking(False)
    return listening


def _other_way(error: OSError) -> str:
    """Return what to pass where a server cannot listen: the fault is the host's or the port's."""
    if isinstance(error, socket.gaierror) or error.errno == errno.EADDRNOTAVAIL:
        return "Pass an address of this machine with --host: 127.0.0.1, or 0.0.0.0 for all of them."
    if error.errno == errno.EACCES:
        return "Pass a --port of 1024 or more: this user may not have the lower ones."
    return "Pass another --port (0 takes any that is free), or stop what uses this one."


def _url(host: str, listening: socket.socket) -> str:
    port = listening.getsockname()[1]
    # An address that stands for all of them leads nowhere.
    shown = _own_address(listening.family) if host in _ALL else host
    return f"http://[{shown}]:{port}" if ":" in shown else f"http://{shown}:{port}"


def _own_address(family: int) -> str:
    """Return the address of this machine by which others of its network reach it.

    It is that of the way to other networks: a datagram's socket is bound to it when it is given a
    far address, and nothing is sent. Without a network it is localhost.
    """
    far = "2001:db8::1" if family == socket.AF_INET6 else "192.0.2.1"  # kept for examples
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as way:
            way.connect((far, 9))
            return str(way.getsockname()[0])
    except OSError:
        return "localhost"


def _announce(url: str, host: str, token: str | None, callbacks: Callbacks) -> None:
    callbacks.say(f"Loading the model for {url} … Ctrl-C stops the server.")
    if host in _ALL and "//localhost:" not in url:
        port = url.rpartition(":")[2]
        callbacks.say(f"Others reach it there; this machine also by http://localhost:{port}")
    if token is not None and not os.environ.get(TOKEN):
        callbacks.say(f"Open {url}/?token={token} or send the header Authorization: Bearer {token}")
        callbacks.say(
            f"Set {TOKEN} to choose the token. It travels unencrypted: put TLS before it."
        )


@contextmanager
def _private_folder() -> Iterator[str]:
    """Give a folder that this process makes its temporary files in, and that goes with it.

    Libraries underneath keep what they are given as files; a user's image may not outlive us.
    """
    previous, variable = tempfile.tempdir, os.environ.get("GRADIO_TEMP_DIR")
    with tempfile.TemporaryDirectory(prefix="dlmath-serve-", ignore_cleanup_errors=True) as folder:
        tempfile.tempdir = os.environ["GRADIO_TEMP_DIR"] = folder
        # No news to anybody; read by Gradio when it is imported.
        os.environ.update(GRADIO_ANALYTICS_ENABLED="False", HF_HUB_OFFLINE="1")
        try:
            yield folder
        finally:
            tempfile.tempdir = previous
            os.environ.pop("GRADIO_TEMP_DIR")
            if variable is not None:
                os.environ["GRADIO_TEMP_DIR"] = variable
