"""The page in Chromium, against the real server in a process of its own."""

import io
import os
import shutil
import subprocess
import sys
import urllib.error
import urllib.request
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import expect, sync_playwright

import dlmath
from dlmath.runs import read_json, write_json, write_text

pytestmark = pytest.mark.slow

WAIT = 120_000  # milliseconds; the first map loads Keras
OWN_RULE = 0.2  # of the log-odds: what is nearer to the threshold is not to be relied on
expect.set_options(timeout=WAIT)
PHONE = {"width": 390, "height": 844}
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
    command = [sys.executable, "-m", "dlmath", "serve", str(run.folder), "--port", "0"]
    server = subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, env={**os.environ, "TMPDIR": str(temporary)}
    )
    try:
        assert server.stdout is not None
        yield server.stdout.readline().strip()
    finally:
        server.terminate()
        assert server.wait(60) == 0
        server.stdout.close()


@pytest.fixture(scope="module")
def chromium():
    found = shutil.which("chromium") or shutil.which("chromium-browser")
    if not found:
        pytest.skip("Chromium is not installed: apt-get install chromium")
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
        page.set_default_timeout(WAIT)
        page.on("request", lambda request: heard.append(("request", request.url)))
        page.on("console", lambda said: heard.append((said.type, said.text)))
        page.on("pageerror", lambda error: heard.append(("error", str(error))))
        # Asked for before the page is there: Chromium takes a moment until it tells of a chooser,
        # and a key that is pressed in that moment opens one that no test hears of.
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


def png(level, name="image.png"):
    """A grey image as the browser's file: the tiny model is the surer, the brighter it is."""
    noise = np.random.default_rng(level).normal(level, 8, (24, 20, 3)).clip(0, 255)
    buffer = io.BytesIO()
    Image.fromarray(noise.astype(np.uint8)).save(buffer, "PNG")
    return {"name": name, "mimeType": "image/png", "buffer": buffer.getvalue()}


def choose(page, *files):
    page.set_input_files("#dl-files", list(files))


def card(page, name):
    return page.locator("article", has=page.get_by_role("heading", name=name, exact=True))


def wait_for_maps(page):
    page.wait_for_selector("#dl-status:has-text('The maps are drawn.')")


def test_an_image_gets_the_answer_of_predict_and_then_a_map(open_page, run, tmp_path):
    sent = png(150, "bright.png")
    (tmp_path / "bright.png").write_bytes(sent["buffer"])
    (expected,) = dlmath.predict(run, tmp_path / "bright.png")
    page = open_page()
    choose(page, sent)
    shown = card(page, "bright.png")

    expect(shown).to_contain_text(f"Decided: {expected.decision}")
    expect(shown.locator("b")).to_have_text(f"{expected.probabilities['PNEUMONIA']:.3f}")
    bar, mark = shown.locator(".dl-bar").bounding_box(), shown.locator(".dl-mark").bounding_box()
    middle = mark["x"] + 1.5 - bar["x"]
    assert middle / bar["width"] == pytest.approx(0.5, abs=0.01)  # the tiny run's threshold
    expect(shown.get_by_alt_text("Heat map over the image")).to_be_visible()
    wait_for_maps(page)


def test_several_are_answered_though_one_is_bad_and_one_too_large(open_page, tmp_path):
    large = tmp_path / "large.png"
    with large.open("wb") as file:
        file.truncate(33 * 2**20)
    for name, level in (("dark.png", 90), ("bright.png", 160)):
        (tmp_path / name).write_bytes(png(level)["buffer"])
    (tmp_path / "text.png").write_text("no image")
    page = open_page()
    choose(page, *(tmp_path / f"{name}.png" for name in ("dark", "text", "large", "bright")))

    expect(card(page, "dark.png")).to_contain_text("Decided: NORMAL")
    expect(card(page, "bright.png")).to_contain_text("Decided: PNEUMONIA")
    expect(card(page, "text.png")).to_contain_text("Not answered: neither a PNG nor a JPEG")
    expect(page.get_by_role("alert")).to_have_text(
        "large.png: left out, since a file may have 32 MiB."
    )
    wait_for_maps(page)
    assert page.locator("article").count() == 3


def test_more_images_than_cards_are_left_out_by_name(open_page):
    page = open_page()
    choose(page, *(png(90 + number, f"{number}.png") for number in range(13)))
    expect(page.get_by_role("alert")).to_contain_text("12.png: left out")
    wait_for_maps(page)
    assert page.get_by_text("Decided:").count() == 12


def test_near_the_threshold_a_person_should_look(open_page):
    page = open_page()
    choose(page, png(120, "grey.png"))
    expect(card(page, "grey.png")).to_contain_text("a person should look at the image")
    expect(card(page, "grey.png")).to_contain_text("too near the threshold")


def test_a_file_named_in_html_is_shown_by_its_name(open_page):
    name = "<img src=x onerror='window.broken=1'>.png"
    page = open_page()
    choose(page, png(150, name), {**png(0, f"bad{name}"), "buffer": b"no image"})
    expect(card(page, name)).to_contain_text("Decided")
    expect(card(page, f"bad{name}")).to_contain_text("Not answered")
    assert page.evaluate("window.broken") is None
    assert page.locator("img[src=x]").count() == 0


def test_pasted_and_dropped_images_are_answered(open_page):
    page = open_page()
    give = """([bytes, kind]) => {
      const data = new DataTransfer();
      data.items.add(new File([new Uint8Array(bytes)], `${kind}.png`, {type: 'image/png'}));
      const event = kind === 'paste'
        ? new ClipboardEvent(kind, {clipboardData: data, bubbles: true, cancelable: true})
        : new DragEvent(kind, {dataTransfer: data, bubbles: true, cancelable: true});
      document.querySelector('.dl-drop').dispatchEvent(event);
    }"""
    for kind in ("paste", "drop"):
        page.evaluate(give, [list(png(150)["buffer"]), kind])
        expect(card(page, f"{kind}.png")).to_contain_text("Decided: PNEUMONIA")
        wait_for_maps(page)


def test_the_paste_button_takes_an_image_from_the_clipboard(open_page, address):
    page = open_page(permissions=["clipboard-read", "clipboard-write"])
    page.evaluate(
        """async (bytes) => {
          const blob = new Blob([new Uint8Array(bytes)], {type: 'image/png'});
          await navigator.clipboard.write([new ClipboardItem({'image/png': blob})]);
        }""",
        list(png(150)["buffer"]),
    )
    page.get_by_role("button", name="Paste an image").click()
    expect(card(page, "pasted image")).to_contain_text("Decided: PNEUMONIA")


def test_what_was_asked_last_is_what_stands_there(open_page):
    page = open_page()
    for turn in range(4):
        choose(page, *(png(90 + number, f"{turn}-{number}.png") for number in range(6 - turn)))
    expect(card(page, "3-2.png").get_by_alt_text("Heat map over the image")).to_be_visible()
    wait_for_maps(page)
    names = page.locator("article h3").all_inner_texts()
    assert names == ["3-0.png", "3-1.png", "3-2.png"]


def test_with_the_keyboard_alone_an_example_is_answered(open_page):
    page = open_page()
    expect(page.locator(".dl-example").first).to_be_visible()
    visited = []
    while "dl-example" not in visited[-1:]:
        page.keyboard.press("Tab")
        here = page.evaluate(
            """() => { const one = document.activeElement;
              const shown = one.id === 'dl-files' ? one.nextElementSibling : one;
              const style = getComputedStyle(shown);
              return [one.id || one.className, style.outlineStyle, style.outlineWidth]; }"""
        )
        assert here[1] != "none", here  # the focus can be seen
        assert float(here[2].removesuffix("px")) >= 2, here
        visited.append(here[0])
        assert len(visited) < 10
    assert visited[0] == "dl-files"  # nothing stands before what the page is for
    page.keyboard.press("Enter")
    expect(page.locator("article")).to_contain_text("Decided")
    assert page.evaluate("document.activeElement.className") == "dl-example"  # the focus stays
    page.keyboard.press("Shift+Tab")


def test_with_the_keyboard_alone_files_are_chosen(open_page):
    page = open_page()
    page.keyboard.press("Tab")
    expect(page.locator("#dl-files")).to_be_focused()
    with page.expect_file_chooser() as chooser:
        page.keyboard.press("Enter")
    chooser.value.set_files([png(150, "chosen.png")])
    expect(card(page, "chosen.png")).to_contain_text("Decided: PNEUMONIA")


def test_on_a_phone_nothing_is_wider_than_the_screen_and_the_answer_comes_to_sight(open_page):
    page = open_page(viewport=PHONE, is_mobile=True, has_touch=True)
    page.wait_for_selector(".dl-example")
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    page.locator(".dl-example").nth(1).tap()
    wait_for_maps(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    top = page.locator("#dl-answers").bounding_box()["y"]
    assert 0 <= top < PHONE["height"]
    for name in (".dl-choose", ".dl-example"):
        assert page.locator(name).first.bounding_box()["height"] >= 24  # WCAG 2.2, 2.5.8


@pytest.mark.parametrize(
    ("path", "scheme", "dark"),
    [
        ("/", "light", False),
        ("/", "dark", True),
        ("/?__theme=dark", "light", True),
        ("/?__theme=light", "dark", False),
    ],
)
def test_every_text_can_be_read_in_the_light_and_in_the_dark(open_page, path, scheme, dark):
    page = open_page(path, color_scheme=scheme)
    choose(page, png(120, "grey.png"), png(160, "bright.png"), png(80, "dark.png"))
    wait_for_maps(page)
    contrasts = page.evaluate(CONTRASTS)
    assert len(contrasts) > 40
    assert [one for one in contrasts if one["ratio"] < 4.5] == []
    ground = page.evaluate("getComputedStyle(document.querySelector('gradio-app')).backgroundColor")
    assert (sum(map(int, ground[4:-1].split(","))) < 200) == dark


# Of each element with text of its own: its ink on the first opaque ground behind it, after WCAG.
CONTRASTS = """() => {
  const numbers = (colour) => colour.match(/[\\d.]+/g).map(Number);
  const light = (rgb) => rgb.slice(0, 3).map((v) => v / 255)
    .map((v) => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
    .reduce((sum, v, at) => sum + v * [0.2126, 0.7152, 0.0722][at], 0);
  const ground = (one) => {
    for (let at = one; at; at = at.parentElement) {
      const rgba = numbers(getComputedStyle(at).backgroundColor);
      if (rgba.length < 4 || rgba[3] === 1) return rgba;
    }
    return [255, 255, 255];
  };
  const own = (one) => [...one.childNodes].some((n) => n.nodeType === 3 && n.data.trim());
  return [...document.querySelectorAll('#dl-page *')]
    .filter((one) => own(one) && one.getClientRects().length)
    .map((one) => {
      const [ink, paper] = [numbers(getComputedStyle(one).color), ground(one)].map(light);
      const ratio = (Math.max(ink, paper) + 0.05) / (Math.min(ink, paper) + 0.05);
      return {text: one.textContent.trim().slice(0, 40), ratio};
    });
}"""


def test_everything_has_a_name_for_those_who_do_not_see_it(open_page):
    page = open_page()
    choose(page, png(150, "bright.png"))
    wait_for_maps(page)
    expect(page.get_by_label("Choose images")).to_be_attached()
    assert page.evaluate("document.documentElement.lang") == "en"
    assert page.get_by_role("heading", level=1).count() == 1
    levels = page.eval_on_selector_all("h1,h2,h3,h4", "all => all.map(h => +h.tagName[1])")
    assert all(after <= before + 1 for before, after in pairwise(levels))
    assert page.locator("#dl-page img:not([alt])").count() == 0
    names = page.eval_on_selector_all(
        "#dl-page button", "all => all.map(b => (b.ariaLabel || b.innerText).trim())"
    )
    assert names
    assert all(names)
    status = page.get_by_role("status").filter(has_text="1 image answered.")
    expect(status).to_have_attribute("aria-live", "polite")
    expect(page.get_by_role("img", name="Probability of PNEUMONIA")).to_be_visible()


def test_what_the_model_is_worth_stands_there_with_its_intervals(open_page, run):
    page = open_page()
    figure = read_json(run.metrics_path)["metrics"]["auc"]
    row = page.get_by_role("row", name="AUC")
    expect(row).to_contain_text(f"{figure['value']:.3f}")
    expect(row).to_contain_text(f"{figure['low']:.3f} to {figure['high']:.3f}")
    expect(page.get_by_role("note")).to_contain_text("For research only")
    expect(page.get_by_role("note")).to_contain_text("trained on drawn images")
    assert page.get_by_text("Use via API").count() == 0
    assert page.locator("footer").count() == 0


def test_no_file_is_left_behind(open_page, temporary):
    page = open_page()
    choose(page, png(150, "secret.png"))
    wait_for_maps(page)
    assert [path for path in temporary.rglob("*") if path.is_file()] == []


@pytest.mark.parametrize(
    "path", ["upload", "file=/etc/passwd", "run/answer_sent", "info", "proxy=http://example.org/"]
)
def test_gradios_other_addresses_are_closed(address, path):
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(f"{address}/gradio_api/{path}")
    refused.value.close()
    assert refused.value.code == 404


def test_pages_of_the_server_name_no_file_of_it(address, run):
    with urllib.request.urlopen(address) as page:
        html = page.read().decode()
    assert str(Path(run.folder).parent) not in html
    assert str(Path.home()) not in html
