from html.parser import HTMLParser

from dlmath import pages


class Structure(HTMLParser):
    """Keeps which tags are open, and which were closed out of turn."""

    def __init__(self):
        super().__init__()
        self.open, self.wrong, self.addresses = [], [], []

    def handle_starttag(self, tag, attrs):
        self.addresses += [value for name, value in attrs if name in ("src", "href")]
        if tag not in ("meta", "br", "img"):  # which have no end
            self.open.append(tag)

    def handle_endtag(self, tag):
        if not self.open or self.open.pop() != tag:
            self.wrong.append(tag)


def everything(text):
    return pages.page(
        text,
        [
            pages.paragraph(text, "warning"),
            pages.heading(text, "error"),
            pages.table(("name", "value"), [(text, "1")], numbers=(1,)),
            pages.side_by_side([pages.figure("data:,x", text), pages.figure(None, text)]),
            pages.fold(text, pages.lines([text, text])),
            pages.cards([pages.paragraph(text), pages.figure("data:,x", text)]),
            pages.table(["a", "b", "c", text], [(text,) * 4], numbers=(1, 2), notes=True),
            pages.table([text, "b", "c", "d"], [(text,) * 4]),
            pages.link("audit.html", text),
        ],
    )


def test_a_page_is_well_formed_and_needs_nothing_beside_it():
    structure = Structure()
    structure.feed(everything("a title"))
    assert structure.open == []
    assert structure.wrong == []
    assert structure.addresses == ["data:,x", "data:,x", "audit.html"]


def test_a_wide_table_scrolls_by_keyboard_below_a_hint():
    wide = pages.table(["truth", "a", "b", "c"], [("a", "1", "2", "3")], numbers=(1, 2, 3))
    assert 'class="scroll wide" role="region" aria-label="Table by truth" tabindex="0"' in wide
    assert wide.startswith('<p class="hint faint" aria-hidden="true">The table goes on to the')
    for narrow in (
        pages.table(["truth", "a", "b"], [("a", "1", "2")]),
        pages.table(["a", "b", "c", "d"], [("1",) * 4], notes=True),
    ):
        assert "tabindex" not in narrow
        assert "hint" not in narrow


def test_no_text_becomes_markup():
    hostile = "<script>alert('x')</script> & \"quotes\""
    page = everything(hostile)
    assert "<script" not in page
    assert page.count("&lt;script&gt;") == 26
