"""Write the documentation as pages that need no network: `make docs`.

    .venv/bin/python -m docs.make_pages build/docs [NOTEBOOK]...

The pages of this folder, the experiments and the errata with their values, charts and formulas, and
the notebooks with their outputs. With names, only these notebooks are run.
"""

import re
import shutil
import sys
from collections import Counter
from html import escape, unescape
from pathlib import Path

from dlmath.maths import PAPERS, all_experiments
from dlmath.maths.errata import ERRATA, EXTRACTED, KINDS
from dlmath.maths.errata.markdown_page import counted
from dlmath.maths.formulas import typeset
from dlmath.maths.trials import both_verdicts, shown_erratum
from docs.make_notebook_pages import to_html, with_mathml, write_notebooks

DOCS = Path(__file__).parent
MATHEMATICS = ("experiments.html", "statements.html", "errata.html", "derivations.html")
STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; color: #1d232a; background: #fff; margin: 0; }
main { max-width: 62rem; margin: 0 auto; padding: 1rem; overflow-wrap: break-word; }
table { border-collapse: collapse; margin: 0.8em 0; display: block; overflow-x: auto; }
th, td { border: 1px solid #d8dde3; padding: 0.25em 0.6em; text-align: left; }
pre { background: #f4f6f8; padding: 0.7em; overflow-x: auto; }
code { font-size: 0.92em; }
img { max-width: 100%; }
blockquote { margin: 0.5em 0; padding-left: 1em; border-left: 3px solid #d8dde3; }
sub, sup { line-height: 0; }
.anchor-link { display: none; }
section { border-top: 1px solid #d8dde3; margin-top: 1.5em; }
figcaption { font-size: 0.85em; color: #5b636d; }
"""


def whole(title: str, body: str) -> str:
    """Return a page with its style sheet."""
    up = "" if title == "dlmath" else '<p><a href="index.html">dlmath</a></p>'
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title>"
        f"<style>{STYLE}</style></head>\n<body><main>{up}{body}</main></body></html>\n"
    )


def experiments() -> str:
    """Return every experiment, as stated and with its sabotage."""
    parts = [
        "<h1>The experiments</h1><p>Each is run twice: as stated, where it must hold, and with "
    ]
    parts.append("a hypothesis violated, where it must fail.</p>")
    for name, one in all_experiments().items():
        parts.append(
            f'<section id="{name}">{with_mathml(both_verdicts(one)._repr_html_())}</section>'
        )
    return "".join(parts)


def errata() -> str:
    """Return every erratum and remark, with the values that show it."""
    number = Counter(one.kind for one in ERRATA)
    parts = [f"<h1>Errata of the papers</h1><p>{EXTRACTED}</p><p>{counted()}</p><ul>"]
    parts += [f"<li>{number[kind]} times {label}</li>" for kind, label in KINDS.items()]
    parts.append("</ul>")
    for key, paper in PAPERS.items():
        parts.append(f"<h2>{paper.author}: {escape(paper.title)}</h2>")
        for one in ERRATA:
            if one.source.paper == key:
                html = with_mathml(shown_erratum(one)._repr_html_())
                parts.append(f'<section id="{key}-{one.source.line}">{html}</section>')
    return "".join(parts)


def with_formulas(html: str) -> str:
    """Return the page of statements with typeset cells, and links to the experiments they name."""
    known = all_experiments()

    def linked(match: re.Match[str]) -> str:
        name = match[1]
        return f'<a href="trials.html#{name}">{name}</a>' if name in known else match[0]

    def cell(match: re.Match[str]) -> str:
        parts = re.split(r"(<[^>]+>.*?</[^>]+>)", match[2])
        typed = (part if part.startswith("<") else typeset(unescape(part)) for part in parts)
        return match[1] + "".join(typed) + "</td>"

    html = re.sub(r"(<td[^>]*>)(.*?)</td>", cell, html, flags=re.DOTALL)
    return re.sub(r"<code>([a-z0-9-]+)</code>", linked, html)


def with_links(html: str) -> str:
    """Return a page whose links lead to pages; where there is none, only the text stays."""
    html = re.sub(r'href="([\w-]+)\.md(#[^"]*)?"', r'href="\1.html\2"', html)
    return re.sub(r'<a href="(?:\.\./|#")[^>]*>(.*?)</a>', r"\1", html, flags=re.DOTALL)


def write_pages(folder: Path) -> dict[str, str]:
    """Write a page for every Markdown file of this folder; return their titles by file name."""
    folder.mkdir(parents=True, exist_ok=True)
    titles = {}
    for path in sorted(DOCS.glob("*.md")):
        text = path.read_text(encoding="utf-8")
        title = text.splitlines()[0].removeprefix("# ")
        body = errata() if path.stem == "errata" else with_links(to_html(text))
        if path.stem == "statements":
            body = with_formulas(body)
        (folder / f"{path.stem}.html").write_text(whole(title, body), encoding="utf-8")
        titles[f"{path.stem}.html"] = escape(title)
    for picture in DOCS.glob("*.png"):
        shutil.copyfile(picture, folder / picture.name)
    return titles


def index(lists: dict[str, dict[str, str]]) -> str:
    """Return the first page: under each heading, titles with their links."""
    parts = [
        "<h1>dlmath</h1><p>Classifiers of medical images, and the mathematics of deep learning. "
    ]
    parts.append("These pages need no network.</p>")
    for heading, titles in lists.items():
        items = "".join(f'<li><a href="{link}">{title}</a></li>' for link, title in titles.items())
        parts.append(f"<h2>{heading}</h2><ul>{items}</ul>")
    return "".join(parts)


def main(folder: Path, names: list[str]) -> None:
    """Write all pages into a folder."""
    pages = write_pages(folder)
    (folder / "trials.html").write_text(whole("The experiments", experiments()), encoding="utf-8")
    mathematics = {"trials.html": "The experiments, each with its sabotage"}
    mathematics |= {name: pages.pop(name) for name in MATHEMATICS if name in pages}
    notebooks = write_notebooks(folder / "notebooks", names)
    lists = {
        "Notebooks": {f"notebooks/{name}": title for name, title in notebooks.items()},
        "The mathematics": mathematics,
        "The tool": pages,
    }
    (folder / "index.html").write_text(whole("dlmath", index(lists)), encoding="utf-8")
    sys.stdout.write(f"{folder / 'index.html'}\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
