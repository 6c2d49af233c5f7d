"""Self-contained HTML pages: one file, no network, for a phone, in the dark and in print."""

from collections.abc import Iterable, Sequence
from html import escape

WIDE = 4  # columns, of which a phone shows some
_HINT = '<p class="hint faint" aria-hidden="true">The table goes on to the right: scroll →</p>'

_STYLE = """
:root { color-scheme: light dark; --ink: #1c1f23; --faint: #5b636d; --paper: #ffffff;
  --line: #d8dde3; --error: #b3261e; --warning: #8a5a00; --note: #2f6f4f; --card: #f5f7f9;
  --blue: #0072b2; --orange: #d55e00; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6e8ea; --faint: #a0a8b0; --paper: #15181b;
  --line: #363c43; --error: #ff8a80; --warning: #ffcc66; --note: #8fd3b0; --card: #1d2125;
  --blue: #56b4e9; --orange: #e69f00; } }
body { font: 16px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper);
  max-width: 62rem; margin: 0 auto; padding: 1rem 1.25rem 4rem; }
h1 { font-size: 1.6rem; margin: .5rem 0; } h2 { font-size: 1.2rem; margin: 2rem 0 .5rem; }
p { margin: .4rem 0; overflow-wrap: anywhere; }
.faint, figcaption { color: var(--faint); font-size: .875rem; }
.scroll { overflow-x: auto; }
.scroll:focus-visible { outline: 2px solid var(--blue); outline-offset: 2px; }
.hint { display: none; }
table { border-collapse: collapse; margin: .5rem 0; }
th, td { padding: .3rem .75rem .3rem 0; border-bottom: 1px solid var(--line); text-align: left;
  vertical-align: top; }
td.number, th.number { text-align: right; font-variant-numeric: tabular-nums; }
td.number, th.number { white-space: nowrap; }
.error { color: var(--error); } .warning { color: var(--warning); } .note { color: var(--note); }
.group { display: inline-flex; flex-wrap: wrap; gap: .5rem; background: var(--card);
  padding: .5rem; margin: .25rem .25rem .25rem 0; border-radius: .4rem; }
figure { margin: 0; width: 6.5rem; }
figure img { width: 100%; border-radius: .2rem; display: block; }
figcaption { overflow-wrap: anywhere; line-height: 1.25; margin-top: .25rem; }
.charts { display: grid; grid-template-columns: repeat(auto-fit, minmax(17rem, 1fr)); gap: 1rem; }
.charts figure, .cards figure { width: auto; }
.cards { display: grid; grid-template-columns: repeat(auto-fill, minmax(17rem, 1fr)); gap: 1rem; }
.cards p, .cards details { font-size: .875rem; }
svg { width: 100%; max-width: 24rem; height: auto; display: block; }
svg text { font: 11px system-ui, sans-serif; fill: var(--faint); }
svg .axis { fill: none; stroke: var(--faint); } svg .grid { stroke: var(--line); stroke-width: .5; }
svg .curve { fill: none; stroke: var(--blue); stroke-width: 2; }
svg .other { fill: none; stroke: var(--orange); stroke-width: 1.5; }
svg .guide { fill: none; stroke: var(--faint); stroke-dasharray: 4 3; }
svg .band { fill: var(--blue); opacity: .2; } svg .point { fill: var(--blue); }
svg .whisker { stroke: var(--blue); stroke-width: 1.5; }
svg .first { fill: var(--blue); opacity: .55; } svg .second { fill: var(--orange); opacity: .55; }
details { margin: .5rem 0; } summary { cursor: pointer; }
@media (max-width: 34rem) {
  .hint { display: block; }
  .wide { padding-bottom: .25rem; border-right: 1px dashed var(--faint); }
  .wide :is(th, td):not(.number) { min-width: 7rem; }
  .wide tr > :first-child { position: sticky; left: 0; background: var(--paper); min-width: 6rem; }
  .notes table, .notes tbody { display: block; }
  .notes tr { display: grid; grid-template-columns: 1fr auto 9rem;
    border-bottom: 1px solid var(--line); }
  .notes td, .notes th { border: none; } .notes th:last-child { display: none; }
  .notes td:last-child { grid-column: 1 / -1; padding-top: 0; color: var(--faint);
    font-size: .875rem; } }
@media print { body { max-width: none; } .group, .cards > div { break-inside: avoid; } }
"""


def page(title: str, body: Iterable[str]) -> str:
    """Return a whole page; `body` is HTML, made of the parts below."""
    content = "\n".join(body)
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(title)}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n"
        f"<h1>{escape(title)}</h1>\n{content}\n</body>\n</html>\n"
    )


def paragraph(text: str, kind: str = "") -> str:
    """Return a paragraph; `kind` is blank, or faint, error, warning or note."""
    return f'<p class="{kind}">{escape(text)}</p>' if kind else f"<p>{escape(text)}</p>"


def heading(text: str, label: str = "") -> str:
    """Return a section's heading, behind a label that is also its colour: error, warning, note."""
    tag = f'<span class="{label}">{escape(label)}</span> ' if label else ""
    return f"<h2>{tag}{escape(text)}</h2>"


def table(
    header: Sequence[str],
    rows: Iterable[Sequence[str]],
    numbers: Sequence[int] = (),
    *,
    notes: bool = False,
    marked: Sequence[int] = (),
) -> str:
    """Return a table of texts; the columns whose places are in `numbers` stand to the right.

    With `notes`, four columns are expected, and the last goes below the others on a phone. There
    other tables of `WIDE` columns or more scroll, by touch and by keyboard, below a line that says
    so. The rows whose places are in `marked` are red, their first cell behind an exclamation mark.
    """
    cells = ['class="number"' if place in numbers else "" for place in range(len(header))]

    def row(tag: str, values: Sequence[str]) -> str:
        inner = "".join(
            f"<{tag} {cell}>{escape(value)}</{tag}>"
            for cell, value in zip(cells, values, strict=True)
        )
        return f"<tr>{inner}</tr>"

    def body_row(place: int, values: Sequence[str]) -> str:
        if place not in marked:
            return row("td", values)
        red = row("td", [f"! {values[0]}", *values[1:]])
        return red.replace("<tr>", '<tr class="error">', 1)

    lines = "\n".join(body_row(place, values) for place, values in enumerate(rows))
    inner = f"<table>\n{row('th', header)}\n{lines}\n</table>"
    if notes or len(header) < WIDE:
        return f'<div class="{"scroll notes" if notes else "scroll"}">{inner}</div>'
    # Focusable, so that the arrow keys scroll it.
    label = f'role="region" aria-label="{escape(f"Table by {header[0]}")}" tabindex="0"'
    return f'{_HINT}<div class="scroll wide" {label}>{inner}</div>'


def figure(image: str | None, caption: str) -> str:
    """Return an image, given as a `data:` address, over its caption; None leaves only that."""
    text = escape(caption)
    picture = f'<img src="{image}" alt="{text}">' if image else ""
    return f"<figure>{picture}<figcaption>{text}</figcaption></figure>"


def side_by_side(parts: Iterable[str]) -> str:
    """Return figures and paragraphs that belong together, in one row where there is room."""
    return f'<div class="group">{"".join(parts)}</div>'


def charts(drawn: Iterable[tuple[str, str]]) -> str:
    """Return charts, given as (SVG, caption), in as many columns as there is room for."""
    figures = (
        f"<figure>{svg}<figcaption>{escape(caption)}</figcaption></figure>"
        for svg, caption in drawn
    )
    return f'<div class="charts">{"".join(figures)}</div>'


def cards(parts: Iterable[str]) -> str:
    """Return parts of equal rank, each HTML, in as many columns as there is room for."""
    return f'<div class="cards">{"".join(f"<div>{part}</div>" for part in parts)}</div>'


def lines(texts: Iterable[str]) -> str:
    """Return texts, each on a line of its own."""
    return "<br>".join(map(escape, texts))


def link(address: str, text: str) -> str:
    """Return a paragraph that is a link."""
    return f'<p><a href="{escape(address)}">{escape(text)}</a></p>'


def fold(summary: str, content: str) -> str:
    """Return content that opens at a click."""
    return f"<details><summary>{escape(summary)}</summary>{content}</details>"
