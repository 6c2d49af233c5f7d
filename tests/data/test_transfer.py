import re
import socket
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from types import SimpleNamespace

import pytest

from dlmath.data import transfer
from dlmath.data.partial import Partial
from dlmath.data.transfer import Patience, fetch, report, require_address
from dlmath.errors import DataError
from dlmath.reporting import SILENT
from tests.support import faulty_server
from tests.support.recorder import Recorder

CONTENT = bytes(range(251)) * 4_000  # 1 MB without a power of two in its period
HASTY = Patience(timeout=5, retries=3, first_pause=0)


@pytest.fixture(autouse=True)
def direct(monkeypatch):
    """No proxy between the test and its own machine."""
    monkeypatch.setenv("no_proxy", "*")


@pytest.fixture
def partial(tmp_path):
    return Partial(tmp_path / "archive.zip")


@pytest.fixture
def get(partial):
    """Fetch what a server gives out."""

    def get(server, *, patience=HASTY, reporter=SILENT, max_bytes=2_000_000):
        fetch(server.url, partial, max_bytes=max_bytes, patience=patience, reporter=reporter)
        return partial.path.read_bytes()

    return get


def test_a_sound_server_is_asked_once(get):
    log = Recorder()
    with faulty_server.serve(CONTENT) as server:
        assert get(server, reporter=log) == CONTENT
    assert [(one.range, one.status) for one in server.received] == [(None, 200)]
    assert log.steps[-1] == ("downloading, MiB", 1, 1)
    assert log.said == []


def test_a_complete_file_is_not_asked_for_again(get):
    with faulty_server.serve(CONTENT) as server:
        get(server)
        assert get(server) == CONTENT
    assert len(server.received) == 1


@pytest.mark.parametrize("etag", [True, False], ids=["entity tag", "only a date"])
def test_a_cut_line_is_taken_up_where_it_was_cut(get, etag):
    cut = faulty_server.Reply(cut_after=300_000, etag=etag)
    log = Recorder()
    with faulty_server.serve(CONTENT, [cut], then=faulty_server.Reply(etag=etag)) as server:
        assert get(server, reporter=log) == CONTENT
    first, second = server.received
    assert (first.range, first.status) == (None, 200)
    assert (second.range, second.status) == ("bytes=300000-", 206)
    assert second.if_range == faulty_server.MODIFIED or etag
    assert re.search(r"the line was cut .*0\.3 MiB are kept; trying again", log.said[0])


def test_each_new_byte_renews_the_patience(get):
    cuts = [faulty_server.Reply(cut_after=50_000) for _ in range(15)]
    with faulty_server.serve(CONTENT, cuts) as server:
        assert get(server, patience=Patience(retries=1, first_pause=0)) == CONTENT
    assert [one.status for one in server.received] == [200] + [206] * 15


def test_a_server_that_never_gets_further_is_given_up(get, partial):
    stuck = faulty_server.Reply(cut_after=1_000, ranges=False)
    with (
        faulty_server.serve(CONTENT, then=stuck) as server,
        pytest.raises(DataError, match=r"cut after 1,000 of 1,004,000 bytes, and 3 retries"),
    ):
        get(server)
    assert len(server.received) == 4
    assert partial.size == 1_000


def test_a_server_that_falls_silent_is_left(get):
    stall = faulty_server.Reply(stall_after=400_000)
    with faulty_server.serve(CONTENT, [stall]) as server:
        assert get(server, patience=Patience(timeout=1, first_pause=0)) == CONTENT
    assert server.received[1].range == "bytes=400000-"


def test_a_server_that_knows_no_ranges_begins_anew(get):
    cut = faulty_server.Reply(cut_after=300_000, ranges=False)
    with faulty_server.serve(CONTENT, [cut], then=faulty_server.Reply(ranges=False)) as server:
        assert get(server) == CONTENT
    assert [(one.range, one.status) for one in server.received] == [
        (None, 200),
        ("bytes=300000-", 200),
    ]


def test_a_file_that_changed_meanwhile_is_not_mixed_with_the_old_one(get):
    old = faulty_server.Reply(content=CONTENT[::-1], cut_after=300_000)
    with faulty_server.serve(CONTENT, [old]) as server:
        assert get(server) == CONTENT
    assert [one.status for one in server.received] == [200, 200]


def test_without_a_mark_of_the_file_nothing_is_resumed(get):
    cut = faulty_server.Reply(cut_after=300_000, etag=False, headers={"Last-Modified": ""})
    with faulty_server.serve(CONTENT, [cut]) as server:
        assert get(server) == CONTENT
    assert [one.range for one in server.received] == [None, None]


def test_a_weak_entity_tag_promises_no_equal_bytes(get):
    weak = faulty_server.Reply(cut_after=300_000, headers={"ETag": 'W/"1"'})
    with faulty_server.serve(CONTENT, [weak], then=faulty_server.Reply(etag=False)) as server:
        assert get(server) == CONTENT
    assert server.received[1].if_range == faulty_server.MODIFIED


def test_another_range_than_the_one_asked_for_is_not_taken(get):
    replies = [faulty_server.Reply(cut_after=300_000), faulty_server.Reply(shift=10)]
    with faulty_server.serve(CONTENT, replies) as server:
        assert get(server) == CONTENT
    assert [one.status for one in server.received] == [200, 206, 200]


def test_a_partial_file_longer_than_the_server_s_begins_anew(get):
    cut = faulty_server.Reply(content=CONTENT, cut_after=300_000, etag=False)
    dated = faulty_server.Reply(etag=False)
    with faulty_server.serve(CONTENT[:200_000], [cut], then=dated) as server:
        assert get(server) == CONTENT[:200_000]
    assert [one.status for one in server.received] == [200, 416, 200]


def test_a_length_that_promises_too_much_ends(get):
    liar = faulty_server.Reply(length=len(CONTENT) + 5)
    with (
        faulty_server.serve(CONTENT, then=liar) as server,
        pytest.raises(DataError, match=r"Cannot download http.*3 retries"),
    ):
        get(server)


def test_a_file_without_a_length_ends_with_the_line(get):
    with faulty_server.serve(CONTENT, then=faulty_server.Reply(length=-1)) as server:
        assert get(server) == CONTENT


@pytest.mark.parametrize("length", [None, -1], ids=["said", "not said"])
def test_more_than_the_archive_may_have_is_not_taken(get, partial, length):
    with (
        faulty_server.serve(CONTENT, then=faulty_server.Reply(length=length)) as server,
        pytest.raises(DataError, match=r"larger than the 600,000 bytes"),
    ):
        get(server, max_bytes=600_000)
    assert partial.size == 0


@pytest.mark.parametrize("status", [400, 403, 404, 410])
def test_a_refusal_is_taken_for_an_answer(get, status):
    with (
        faulty_server.serve(CONTENT, then=faulty_server.Reply(status=status)) as server,
        pytest.raises(DataError, match=f"the server answered {status}"),
    ):
        get(server)
    assert len(server.received) == 1


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504])
def test_a_server_in_trouble_is_asked_again(get, status):
    trouble = [faulty_server.Reply(status=status)] * 3
    with faulty_server.serve(CONTENT, trouble) as server:
        assert get(server) == CONTENT
    assert [one.status for one in server.received] == [status] * 3 + [200]


def test_trouble_without_end_is_given_up(get):
    with (
        faulty_server.serve(CONTENT, then=faulty_server.Reply(status=500)) as server,
        pytest.raises(DataError, match="answered 500 .*and 3 retries brought no further byte"),
    ):
        get(server)
    assert len(server.received) == 4


def test_nobody_there(get):
    with socket.socket() as deaf:  # it holds its port, where no other process can then listen
        deaf.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{deaf.getsockname()[1]}/archive.zip"
        with pytest.raises(DataError, match="cannot be reached"):
            get(SimpleNamespace(url=address))


@pytest.fixture
def pauses(monkeypatch):
    pauses = []
    monkeypatch.setattr(transfer.time, "sleep", pauses.append)
    return pauses


def test_the_pauses_double_up_to_the_longest(get, pauses):
    patience = Patience(retries=5, first_pause=1, longest_pause=6)
    with (
        faulty_server.serve(CONTENT, then=faulty_server.Reply(status=503)) as server,
        pytest.raises(DataError),
    ):
        get(server, patience=patience)
    assert pauses == [1, 2, 4, 6, 6]


@pytest.mark.parametrize("as_date", [False, True])
def test_a_server_may_ask_for_a_longer_pause(get, pauses, as_date):
    then = format_datetime(datetime.now(UTC) + timedelta(seconds=100), usegmt=True)
    wait = faulty_server.Reply(status=429, headers={"Retry-After": then if as_date else "100"})
    with faulty_server.serve(CONTENT, [wait]) as server:
        assert get(server) == CONTENT
    assert pauses == [pytest.approx(100, abs=60)]


def test_a_pause_longer_than_a_coffee_is_left_to_the_user(get, pauses):
    wait = faulty_server.Reply(status=503, headers={"Retry-After": "86400"})
    with (
        faulty_server.serve(CONTENT, [wait]) as server,
        pytest.raises(DataError, match="asks to wait 86,400 s"),
    ):
        get(server)
    assert pauses == []


@pytest.mark.parametrize("text", ["soon", "", "-3", "Mon, 06 Jan 2020 10:00:00"])
def test_an_odd_wish_for_a_pause_is_passed_over(get, pauses, text):
    wait = faulty_server.Reply(status=503, headers={"Retry-After": text})
    with faulty_server.serve(CONTENT, [wait]) as server:
        assert get(server) == CONTENT
    assert pauses == [0]


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_followed_and_resumed_through(get, status):
    with faulty_server.serve(CONTENT, [faulty_server.Reply(cut_after=300_000)]) as last:
        there = faulty_server.Reply(status=status, headers={"Location": last.url})
        with faulty_server.serve(b"", then=there) as first:
            assert get(first) == CONTENT
    assert [one.range for one in last.received] == [None, "bytes=300000-"]


def test_a_circle_of_redirects_ends(get):
    with faulty_server.serve(CONTENT) as server:
        server.then = faulty_server.Reply(status=302, headers={"Location": server.url})
        with pytest.raises(DataError, match="redirects in a circle"):
            get(server)
    assert len(server.received) < 20


@pytest.mark.parametrize("location", ["file:///etc/hostname", "ftp://127.0.0.1/x", "data:,x"])
def test_a_redirect_off_the_web_is_not_followed(get, partial, location):
    away = faulty_server.Reply(status=302, headers={"Location": location})
    with (
        faulty_server.serve(CONTENT, then=away) as server,
        pytest.raises(DataError, match="off the web|is not followed"),
    ):
        get(server)
    assert partial.size == 0


@pytest.mark.parametrize("url", ["", "archive.zip", "file:///archive.zip", "ftp://x/y", "http://"])
def test_what_is_no_address_of_the_web(url):
    with pytest.raises(DataError, match="begins with https://"):
        require_address(url)


@pytest.mark.parametrize("total", [0, 1, 2**20 - 1, 2**20, 2**20 + 1, 5 * 2**20 + 7])
def test_progress_ends_with_the_last_byte(total):
    for done in {0, total // 2, max(0, total - 1), total}:
        log = Recorder()
        report(log, "checking", done, total)
        ((_, shown, whole),) = log.steps
        assert (shown == whole) == (done == total)
        assert 0 <= shown <= whole
