"""Who may ask: host names, other sites, and the token."""

import pytest
from starlette.responses import PlainTextResponse
from starlette.testclient import TestClient

from dlmath.serving.security import COOKIE, Access, Guard, is_loopback

TOKEN = "a-token-of-our-own"


def client_of(host: str, token: str | None = None, *names: str) -> TestClient:
    guard = Guard(PlainTextResponse("in"), Access.of(host, token, names))
    return TestClient(guard, base_url="http://localhost:7860", follow_redirects=False)


LOOPBACK = ("127.0.0.1", "::1", "LocalHost", "127.8.0.1")
BEYOND = ("0.0.0.0", "::", "192.168.1.5", "example.org")


@pytest.mark.parametrize("host", LOOPBACK + BEYOND)
def test_loopback_is_known(host: str) -> None:
    assert is_loopback(host) is (host in LOOPBACK)


@pytest.mark.parametrize(
    "host", ["localhost", "127.0.0.1:7860", "[::1]:1", "LOCALHOST.", "own.org"]
)
def test_its_own_names_reach_a_loopback_server(host: str) -> None:
    assert client_of("127.0.0.1", None, "own.org").get("/", headers={"host": host}).text == "in"


@pytest.mark.parametrize(
    "host", ["evil.org", "localhost.evil.org", "127.0.0.1.evil.org", "10.0.0.1", "", "a:b", "[::1"]
)
def test_another_name_is_no_way_to_a_loopback_server(host: str) -> None:
    answer = client_of("127.0.0.1").get("/", headers={"host": host})

    assert answer.status_code == 421


def test_beyond_loopback_an_address_is_a_way_and_a_foreign_name_is_none() -> None:
    client = client_of("0.0.0.0", TOKEN)
    shown = {"authorization": f"Bearer {TOKEN}"}

    assert client.get("/", headers={**shown, "host": "192.168.1.5:80"}).text == "in"
    assert client.get("/", headers={**shown, "host": "evil.org"}).status_code == 421


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200),
        ({"origin": "http://localhost:7860"}, 200),
        ({"origin": "https://localhost:7860"}, 200),  # a proxy before us ends TLS
        ({"sec-fetch-site": "same-origin"}, 200),
        ({"origin": "http://localhost:9999"}, 403),
        ({"origin": "http://evil.org"}, 403),
        ({"origin": "null"}, 403),
        ({"sec-fetch-site": "cross-site"}, 403),
        ({"sec-fetch-site": "same-site"}, 403),
    ],
)
def test_another_site_posts_nothing(headers: dict[str, str], status: int) -> None:
    assert client_of("127.0.0.1").post("/predict", headers=headers).status_code == status


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 401),
        ({"authorization": f"Bearer {TOKEN}"}, 200),
        ({"authorization": f"bearer  {TOKEN}"}, 200),
        ({"authorization": f"Basic {TOKEN}"}, 401),
        ({"authorization": f"Bearer {TOKEN}x"}, 401),
        ({"authorization": "Bearer \xe9"}, 401),
        ({"cookie": f"{COOKIE}={Access.of('::', TOKEN).cookie}"}, 200),
        ({"cookie": f"{COOKIE}={TOKEN}"}, 401),
        ({"cookie": f"{COOKIE}=x"}, 401),
        ({"cookie": "=;;"}, 401),
    ],
)
def test_the_token_opens_the_server(headers: dict[str, str], status: int) -> None:
    raw = {name: value.encode("latin-1") for name, value in headers.items()}

    answer = client_of("0.0.0.0", TOKEN).get("/metrics", headers=raw)

    assert answer.status_code == status
    assert ("www-authenticate" in answer.headers) is (status == 401)


def test_a_page_with_the_token_in_its_address_gets_a_cookie() -> None:
    answer = client_of("0.0.0.0", TOKEN).get(f"/?token={TOKEN}")

    assert (answer.status_code, answer.headers["location"]) == (303, "./")
    cookie = answer.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=lax" in cookie


def test_the_token_in_an_address_opens_the_page_alone() -> None:
    client = client_of("0.0.0.0", TOKEN)

    assert client.get("/?token=wrong").status_code == 401
    assert client.get(f"/metrics?token={TOKEN}").status_code == 401
    assert client.post(f"/predict?token={TOKEN}").status_code == 401


def test_whether_it_lives_is_no_secret() -> None:
    assert client_of("0.0.0.0", TOKEN).get("/healthz").text == "in"


def test_a_browser_without_the_token_is_asked_for_it() -> None:
    client = client_of("0.0.0.0", TOKEN)
    html = {"accept": "text/html,*/*"}

    asked = client.get("/", headers=html)
    wrong = client.post("/", data={"token": "wrong"}, headers=html)
    signed_in = client.post("/", data={"token": TOKEN}, headers=html)

    assert (asked.status_code, wrong.status_code) == (401, 401)
    assert 'type="password"' in asked.text
    assert "That is not the token" in wrong.text
    assert "That is not the token" not in asked.text
    assert (signed_in.status_code, signed_in.headers["location"]) == (303, "./")
    assert client.get("/metrics", headers=html).text == "in"  # by the cookie


def test_a_form_of_another_site_or_without_an_end_signs_nobody_in() -> None:
    client = client_of("0.0.0.0", TOKEN)

    foreign = client.post("/", data={"token": TOKEN}, headers={"origin": "http://evil.org"})
    large = client.post("/", data={"token": "x" * 5000})

    assert (foreign.status_code, large.status_code) == (403, 413)
    assert not client.cookies


@pytest.mark.parametrize("token", ["two words", "schlüssel", 'a"b;c'])
def test_any_token_can_be_signed_in_with(token: str) -> None:
    client = client_of("0.0.0.0", token)

    assert client.post("/", data={"token": token}).status_code == 303
    assert client.get("/metrics").text == "in"
