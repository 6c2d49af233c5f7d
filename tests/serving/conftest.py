"""The page of a server, opened in Chromium: fixtures of the tests in a browser."""

import shutil

import pytest

import dlmath
from dlmath.runs import read_json, write_json, write_text
from tests.support import page_hands as hands

OWN_RULE = 0.2  # of the log-odds: what is nearer to the threshold is not to be relied on
QUIET = (
    "--no-sandbox",  # for root in a container
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
)


@pytest.fixture(scope="module")
def run(module_light_run):
    """The tiny run, tested, as one of pneumonia on phantoms, which abstains near its threshold."""
    run = module_light_run
    dlmath.evaluate(run)
    write_text(run.recipe_path, run.recipe_path.read_text().replace('"tiny"', '"pneumonia"', 1))
    manifest = read_json(run.manifest_path)
    manifest["data"]["phantom"] = True
    write_json(run.manifest_path, {**manifest, "abstention": {"confidence": OWN_RULE}})
    return run


@pytest.fixture(scope="module")
def temporary(tmp_path_factory):
    """Where the server has its temporary files."""
    return tmp_path_factory.mktemp("temporary")


@pytest.fixture(scope="module")
def address(run, temporary):
    with hands.serving(str(run.folder), TMPDIR=str(temporary)) as address:
        yield address


@pytest.fixture(scope="module")
def chromium():
    found = shutil.which("chromium") or shutil.which("chromium-browser")
    if not found:
        pytest.skip("needs Chromium: apt-get install chromium")
    from playwright.sync_api import sync_playwright  # here: other tests need none

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=list(QUIET))
        yield browser
        browser.close()


@pytest.fixture
def open_page(chromium, address):
    """Open the page; afterwards it must have asked no other host, and said no error."""
    heard, contexts = [], []

    def opened(path="/", **options):
        contexts.append(chromium.new_context(**options))
        page = contexts[-1].new_page()
        page.set_default_timeout(hands.WAIT)
        page.on("request", lambda request: heard.append(("request", request.url)))
        page.on("console", lambda said: heard.append((said.type, said.text)))
        page.on("pageerror", lambda error: heard.append(("error", str(error))))
        # Asked for before the page is there: Chromium takes a moment until it reports a chooser,
        # and a key that is pressed in that moment opens one that no test receives.
        page.on("filechooser", lambda chooser: None)
        page.goto(address + path)
        page.wait_for_selector("#dl-files", state="attached")
        page.wait_for_selector(".dl-example")  # drawn last: before, a key goes nowhere
        return page

    yield opened
    for context in contexts:
        context.close()
    asked = [url for kind, url in heard if kind == "request" and not url.startswith("data:")]
    assert asked
    assert [url for url in asked if not url.startswith(f"{address}/")] == []
    assert [said for kind, said in heard if kind == "error"] == []
