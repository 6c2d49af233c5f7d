"""The page in Chromium, against the real server in a process of its own."""

import urllib.error
import urllib.request
from itertools import pairwise
from pathlib import Path

import pytest
from playwright.sync_api import expect

import dlmath
from dlmath.runs import read_json
from tests.support import page_hands as hands

pytestmark = pytest.mark.slow

PHONE = {"width": 390, "height": 844}


def test_an_image_gets_the_answer_of_predict_and_then_a_map(open_page, run, tmp_path):
    sent = hands.png(150, "bright.png")
    (tmp_path / "bright.png").write_bytes(sent["buffer"])
    (expected,) = dlmath.predict(run, tmp_path / "bright.png")
    page = open_page()
    hands.choose(page, sent)
    shown = hands.card(page, "bright.png")

    expect(shown).to_contain_text(f"Decided: {expected.decision}")
    expect(shown.locator("b")).to_have_text(f"{expected.probabilities['PNEUMONIA']:.3f}")
    bar, mark = shown.locator(".dl-bar").bounding_box(), shown.locator(".dl-mark").bounding_box()
    middle = mark["x"] + 1.5 - bar["x"]
    assert middle / bar["width"] == pytest.approx(0.5, abs=0.01)  # the tiny run's threshold
    expect(shown.get_by_alt_text("Heat map over the image")).to_be_visible()
    hands.wait_for_maps(page)


def test_several_are_answered_though_one_is_bad_and_one_too_large(open_page, tmp_path):
    large = tmp_path / "large.png"
    with large.open("wb") as file:
        file.truncate(33 * 2**20)
    for name, level in (("dark.png", 90), ("bright.png", 160)):
        (tmp_path / name).write_bytes(hands.png(level)["buffer"])
    (tmp_path / "text.png").write_text("no image")
    page = open_page()
    hands.choose(page, *(tmp_path / f"{name}.png" for name in ("dark", "text", "large", "bright")))

    expect(hands.card(page, "dark.png")).to_contain_text("Decided: NORMAL")
    expect(hands.card(page, "bright.png")).to_contain_text("Decided: PNEUMONIA")
    expect(hands.card(page, "text.png")).to_contain_text("Not answered: no image of a format")
    expect(page.get_by_role("alert")).to_have_text(
        "large.png: left out, since a file may have 32 MiB."
    )
    hands.wait_for_maps(page)
    assert page.locator("article").count() == 3


def test_more_images_than_cards_are_left_out_by_name(open_page):
    page = open_page()
    hands.choose(page, *(hands.png(90 + number, f"{number}.png") for number in range(13)))
    expect(page.get_by_role("alert")).to_contain_text("12.png: left out")
    hands.wait_for_maps(page)
    assert page.get_by_text("Decided:").count() == 12


def test_near_the_threshold_a_person_should_look(open_page):
    page = open_page()
    hands.choose(page, hands.png(120, "grey.png"))
    expect(hands.card(page, "grey.png")).to_contain_text("a person should look at the image")
    expect(hands.card(page, "grey.png")).to_contain_text("too near the threshold")


def test_a_file_named_in_html_is_shown_by_its_name(open_page):
    name = "<img src=x onerror='window.broken=1'>.png"
    page = open_page()
    hands.choose(page, hands.png(150, name), {**hands.png(0, f"bad{name}"), "buffer": b"no image"})
    expect(hands.card(page, name)).to_contain_text("Decided")
    expect(hands.card(page, f"bad{name}")).to_contain_text("Not answered")
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
        page.evaluate(give, [list(hands.png(150)["buffer"]), kind])
        expect(hands.card(page, f"{kind}.png")).to_contain_text("Decided: PNEUMONIA")
        hands.wait_for_maps(page)


def test_the_paste_button_takes_an_image_from_the_clipboard(open_page, address):
    page = open_page(permissions=["clipboard-read", "clipboard-write"])
    page.evaluate(
        """async (bytes) => {
          const blob = new Blob([new Uint8Array(bytes)], {type: 'image/png'});
          await navigator.clipboard.write([new ClipboardItem({'image/png': blob})]);
        }""",
        list(hands.png(150)["buffer"]),
    )
    page.get_by_role("button", name="Paste an image").click()
    expect(hands.card(page, "pasted image")).to_contain_text("Decided: PNEUMONIA")


def test_what_was_asked_last_is_what_stands_there(open_page):
    page = open_page()
    for turn in range(4):
        hands.choose(
            page, *(hands.png(90 + number, f"{turn}-{number}.png") for number in range(6 - turn))
        )
    expect(hands.card(page, "3-2.png").get_by_alt_text("Heat map over the image")).to_be_visible()
    hands.wait_for_maps(page)
    # An answer to an earlier choice may still be there, but it is hidden.
    names = page.locator("article h3").locator("visible=true").all_inner_texts()
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
    chooser.value.set_files([hands.png(150, "chosen.png")])
    expect(hands.card(page, "chosen.png")).to_contain_text("Decided: PNEUMONIA")


def test_on_a_phone_nothing_is_wider_than_the_screen_and_the_answer_comes_to_sight(open_page):
    page = open_page(viewport=PHONE, is_mobile=True, has_touch=True)
    page.wait_for_selector(".dl-example")
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    page.locator(".dl-example").nth(1).tap()
    hands.wait_for_maps(page)
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
    hands.choose(
        page, hands.png(120, "grey.png"), hands.png(160, "bright.png"), hands.png(80, "dark.png")
    )
    hands.wait_for_maps(page)
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
    hands.choose(page, hands.png(150, "bright.png"))
    hands.wait_for_maps(page)
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
    metric = read_json(run.metrics_path)["metrics"]["auc"]
    row = page.get_by_role("row", name="AUC")
    expect(row).to_contain_text(f"{metric['value']:.3f}")
    expect(row).to_contain_text(f"{metric['low']:.3f} to {metric['high']:.3f}")
    expect(page.get_by_role("note")).to_contain_text("For research only")
    expect(page.get_by_role("note")).to_contain_text("trained on drawn images")
    assert page.get_by_text("Use via API").count() == 0
    assert page.locator("footer").count() == 0


def test_no_file_is_left_behind(open_page, temporary):
    page = open_page()
    hands.choose(page, hands.png(150, "secret.png"))
    hands.wait_for_maps(page)
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
