"""How choices travel, in Chromium: late, out of order, refused, in folders."""

import csv
import io

import pytest
from PIL import Image
from playwright.sync_api import expect

from tests.support import page_hands as hands

pytestmark = pytest.mark.slow

# Every name that can be seen on a card from now on.
WATCH = """() => {
  window.seen = new Set();
  const look = () => document.querySelectorAll('article h3').forEach((name) => {
    if (name.getClientRects().length) window.seen.add(name.textContent);
  });
  new MutationObserver(look).observe(document.body, {childList: true, subtree: true});
}"""


def test_a_request_that_comes_after_a_later_one_is_dropped(open_page):
    page = open_page()
    held = []

    def hold(route):
        is_first = route.request.post_data_json["event_data"]["choice"] == 1
        held.append(route) if is_first else route.continue_()

    page.route("**/queue/join*", hold)
    with page.expect_request("**/queue/join*"):
        hands.choose(page, *(hands.png(100 + number, f"first-{number}.png") for number in range(3)))
    expect(page.locator("#dl-sending")).to_have_text("Sending 3 images …")
    hands.choose(page, hands.png(150, "second.png"))
    hands.wait_for_maps(page)
    page.evaluate(WATCH)
    with page.expect_response("**/queue/join*"):
        held[0].continue_()
    # What the first one does to the page it does before the third one is answered.
    hands.choose(page, hands.png(150, "third.png"))
    expect(hands.card(page, "third.png")).to_contain_text("Decided")
    hands.wait_for_maps(page)

    assert not [name for name in page.evaluate("[...window.seen]") if name.startswith("first")]
    expect(page.locator("#dl-sending")).to_be_empty()


def test_a_choice_that_gradio_lost_is_sent_again(open_page):
    page = open_page()
    lost = []

    def lose_first(route):
        asked = route.request.post_data_json
        if not lost:
            lost.append(asked["event_data"]["choice"])
            asked["event_data"]["choice"] = 0  # which the server passes over without a word
        route.continue_(post_data=asked)

    page.route("**/queue/join*", lose_first)
    hands.choose(page, hands.png(150, "lost.png"))
    expect(hands.card(page, "lost.png")).to_contain_text("Decided")
    assert lost == [1]
    expect(page.locator("#dl-status [data-choice]")).to_have_attribute("data-choice", "2")
    expect(page.locator("#dl-sending")).to_be_empty()


def test_from_a_choice_on_no_older_answer_stands_there(open_page):
    page = open_page()
    hands.choose(page, hands.png(150, "old.png"))
    hands.wait_for_maps(page)
    held = []
    page.route("**/queue/join*", lambda route: held.append(route))
    with page.expect_request("**/queue/join*"):
        hands.choose(page, hands.png(90, "new.png"))
    expect(hands.card(page, "old.png")).to_be_hidden()
    expect(page.locator("#dl-status p")).to_be_hidden()
    held[0].continue_()
    expect(hands.card(page, "new.png")).to_contain_text("Decided")


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"status": 401, "json": {"error": "no"}}, "Not sent: the server refused."),
        (None, "The server does not answer."),
    ],
)
def test_what_does_not_reach_the_server_is_said(chromium, address, asked, said):
    page = chromium.new_page()  # the browser itself writes an error here
    page.set_default_timeout(hands.WAIT)
    page.goto(address)
    page.wait_for_selector(".dl-example")
    for path in ("**/queue/join*", "**/healthz"):
        page.route(path, lambda route: route.fulfill(**asked) if asked else route.abort())
    page.locator(".dl-example").first.click()
    expect(page.locator("#dl-sending")).to_contain_text(said)
    page.close()


def test_of_a_dropped_folder_the_images_are_taken(open_page, tmp_path):
    folder = tmp_path / "scans"
    (folder / "deeper").mkdir(parents=True)
    for name in ("b.png", "a.PNG", "deeper/c.png", ".hidden.png", "IM000001"):
        (folder / name).write_bytes(hands.png(150)["buffer"])
    (folder / "Thumbs.db").write_text("no image")
    (folder / "LIESMICH").write_text("no image either")
    page = open_page()
    drop(page, folder)
    hands.wait_for_maps(page)
    assert page.locator("article h3").all_inner_texts() == [
        "a.PNG",
        "b.png",
        "c.png",
        "IM000001",
    ]


def test_a_file_without_an_ending_can_be_chosen(open_page):
    page = open_page()
    assert page.locator("#dl-files").get_attribute("accept") is None
    hands.choose(page, hands.png(150, "IM000001"))
    hands.wait_for_maps(page)
    assert page.locator("article h3").all_inner_texts() == ["IM000001"]


def test_twelve_images_have_a_summary_and_a_table_to_save(open_page, tmp_path):
    page = open_page()
    hands.choose(page, *(hands.png(80 + 12 * n, f"{n:02d}.png") for n in range(12)))
    hands.wait_for_maps(page)
    counts = page.locator(".dl-summary li").all_inner_texts()
    assert sum(int(line.split()[1]) for line in counts if line[0] in "NP" and ":" in line) == 12
    with page.expect_download() as saved:
        page.get_by_role("link", name="Save the answers as a table (CSV)").click()
    assert saved.value.suggested_filename == "answers.csv"
    saved.value.save_as(tmp_path / "saved.csv")
    with (tmp_path / "saved.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["file"] for row in rows] == [f"{n:02d}.png" for n in range(12)]
    assert {row["class"] for row in rows} <= {"NORMAL", "PNEUMONIA"}


def test_a_folder_without_images_is_said(open_page, tmp_path):
    (tmp_path / "empty").mkdir()
    page = open_page()
    drop(page, tmp_path / "empty")
    expect(page.get_by_role("alert")).to_have_text("There is no image in this folder.")


def test_the_page_behind_a_token_asks_for_it(chromium, run):
    token = {"DLMATH_TOKEN": "open sesame"}
    with hands.serving(str(run.folder), "--host", "0.0.0.0", **token) as address:
        page = chromium.new_page()
        page.set_default_timeout(hands.WAIT)
        page.goto(address)
        for given in ("wrong", "open sesame"):
            page.get_by_label("Token").fill(given)
            page.get_by_role("button", name="Open the page").click()
            if given == "wrong":
                expect(page.get_by_text("That is not the token")).to_be_visible()
        page.wait_for_selector(".dl-example")
        assert page.evaluate("fetch('metrics').then((answer) => answer.status)") == 200
        assert page.url == f"{address}/"
        assert "sesame" not in page.evaluate("document.cookie")  # no script can read it
        page.close()


def test_a_very_tall_image_leaves_room_for_its_answer(open_page):
    buffer = io.BytesIO()
    Image.new("L", (10, 900), 150).save(buffer, "PNG")
    page = open_page()
    hands.choose(page, {**hands.png(150, "tall.png"), "buffer": buffer.getvalue()})
    hands.wait_for_maps(page)
    for picture in hands.card(page, "tall.png").locator("img").all():
        assert picture.bounding_box()["height"] <= 600


def drop(page, path):
    """Drop a file or folder of the machine as a hand does."""
    box = page.locator(".dl-drop").bounding_box()
    data = {"items": [], "files": [str(path)], "dragOperationsMask": 1}
    devtools = page.context.new_cdp_session(page)
    for kind in ("dragEnter", "dragOver", "drop"):
        where = {"x": box["x"] + 20, "y": box["y"] + 20}
        devtools.send("Input.dispatchDragEvent", {"type": kind, **where, "data": data})
