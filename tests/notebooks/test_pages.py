"""Pages of notebooks need no network, and every formula of every notebook is drawn."""

import re
import runpy

import nbformat
import pytest


@pytest.fixture(scope="module")
def pages(repository):
    return runpy.run_path(str(repository / "docs" / "make_notebook_pages.py"))


def formulas(html: str) -> list[str]:
    return re.findall(r"<math.*?</math>", html, re.DOTALL)


def test_a_page_loads_nothing_from_elsewhere(pages):
    cells = [
        nbformat.v4.new_markdown_cell("Let $x^2 \\le 1$.\n\n$$\\int_0^1 x\\,dx = \\frac12$$"),
        nbformat.v4.new_code_cell("1 + 1", outputs=[nbformat.v4.new_output("stream", text="2")]),
    ]
    html = pages["page"](nbformat.v4.new_notebook(cells=cells), "two cells")
    assert "<title>two cells</title>" in html
    assert len(formulas(html)) == 2
    assert 'display="block"' in formulas(html)[1]
    assert not re.search(r"<script|<link|@import|(?:src|href)=[\"']?(?:https?:)?//", html)


def test_of_what_a_cell_logged_warnings_stay_and_tensorflow_goes(pages):
    logged = (
        "I0000 00:00:17 9 port.cc:153] oneDNN\nUserWarning: look\nE0000 00:00:17 9 x] cuInit: 303\n"
    )
    outputs = [
        nbformat.v4.new_output("stream", name="stderr", text=text)
        for text in (logged, logged.splitlines(keepends=True)[0])
    ]
    cell = nbformat.v4.new_code_cell("import tensorflow", outputs=outputs)
    pages["ready"](nbformat.v4.new_notebook(cells=[cell]))
    assert [output.text for output in cell.outputs] == ["UserWarning: look\n"]


def test_a_formula_in_an_output_is_drawn(pages):
    shown = nbformat.v4.new_output("display_data", {"text/html": r"<p>\(x^2 &lt; 1\)</p>"})
    cell = nbformat.v4.new_code_cell("trial('best-step')", outputs=[shown])
    html = pages["page"](pages["ready"](nbformat.v4.new_notebook(cells=[cell])), "one cell")
    [formula] = formulas(html)
    assert "<msup>" in formula
    assert "\\(" not in html


def test_an_environment_is_a_formula(pages):
    html = pages["to_html"](r"\begin{align} a &= b \\ c &= d \end{align}")
    assert len(formulas(html)) == 1
    assert "mtable" in html


@pytest.mark.parametrize(
    ("source", "drawn"),
    [(r"\mathbb R^d", "&#x0211D;"), (r"x^\mathsf T", "&#x1D5B3;"), (r"\mathbb{E}", "&#x1D53C;")],
)
def test_letters_of_another_alphabet_are_drawn_with_and_without_braces(pages, source, drawn):
    html = pages["to_html"](f"${source}$")
    assert drawn in html
    assert "mathvariant" not in html


def test_no_formula_keeps_a_command_that_was_not_understood(pages, notebook):
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            html = pages["to_html"](cell.source)
            left = [one for one in formulas(html) if "\\" in one or "&#x0005C;" in one]
            assert left == [], cell.source
            assert "$" not in re.sub(r"<code>.*?</code>", "", html, flags=re.DOTALL), cell.source
