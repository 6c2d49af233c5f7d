"""Execute the notebooks and write them as pages that need nothing else; used by `make docs`.

nbconvert's own pages fetch MathJax from a network. Here every formula becomes MathML, which
browsers draw themselves, and no page loads a script, a font or a picture from elsewhere.
"""

import re
import tempfile
from html import escape, unescape
from pathlib import Path

import nbformat
from jinja2 import DictLoader
from latex2mathml.converter import convert
from nbclient import NotebookClient
from nbconvert import HTMLExporter
from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath
from traitlets.config import Config

# What TensorFlow's C++ says as it loads, and that there is no GPU; some of it whatever the setting.
CHATTER = re.compile(
    r"^(WARNING: All log messages before absl|[IW]0000 |E0000 .*(cuInit|oneDNN)"
    r"|To enable the following instructions|INFO: Created TensorFlow Lite|INFO:tensorflow:).*\n?",
    re.MULTILINE,
)
UP = '<p class="up"><a href="../index.html">dlmath</a></p>'
NOTEBOOKS = Path(__file__).parents[1] / "notebooks"
PAGE = """\
{%- extends 'lab/index.html.j2' -%}
{%- block html_head_js -%}{%- endblock -%}
{%- block html_head_js_mathjax -%}{%- endblock -%}
{%- block html_head_js_mermaidjs -%}{%- endblock -%}
{%- block jupyter_widgets -%}{%- endblock -%}
{%- block extra_css -%}<style>
main { max-width: 62rem; margin: 0 auto; }
.jp-OutputArea-output pre { white-space: pre; overflow-x: auto; }
.up { margin: 1em 0; }
.up a { text-decoration: underline; }
math { font-size: 1.08em; }
math[display="block"] { margin: 0.9em 0; overflow-x: auto; }
math [mathvariant="bold"] { font-weight: bold; }
</style>{%- endblock -%}
"""


class MathMl(IPythonRenderer):
    """Markdown to HTML with formulas as MathML."""

    def inline_math(self, body: str) -> str:
        """Return a formula within a line."""
        return to_mathml(body)

    def block_math(self, body: str) -> str:
        """Return a formula on a line of its own."""
        return to_mathml(body, display="block")

    def latex_environment(self, name: str, body: str) -> str:
        r"""Return what stands between \begin and \end, as a formula on lines of its own."""
        return to_mathml(rf"\begin{{{name}}}{body}\end{{{name}}}", display="block")


def to_mathml(formula: str, display: str = "inline") -> str:
    r"""Return a formula as MathML.

    Without its braces latex2mathml asks for the alphabet of \mathbb R by an attribute that
    browsers have dropped; with them it writes the letter itself.
    """
    braced = re.sub(r"\\(mathbb|mathsf|mathcal) ([A-Za-z])", r"\\\1{\2}", formula)
    braced = braced.replace(r"\llbracket", "\u27e6").replace(r"\rrbracket", "\u27e7")
    return convert(braced, display=display)


def to_html(text: str) -> str:
    """Return Markdown with formulas as HTML."""
    return MarkdownWithMath(renderer=MathMl(escape=False)).render(text)


def with_mathml(html: str) -> str:
    r"""Return HTML with what stands between \( and \) as MathML, or as code where that fails."""

    def drawn(match: re.Match[str]) -> str:
        drawing = to_mathml(unescape(match[1]))
        left = "\\" in drawing or "&#x0005C;" in drawing  # of a command that was not understood
        return f"<code>{match[1]}</code>" if left else drawing

    return re.sub(r"\\\((.+?)\\\)", drawn, html, flags=re.DOTALL)


def page(notebook: nbformat.NotebookNode, title: str) -> str:
    """Return a notebook, with the outputs that it has, as one HTML page."""
    exporter = HTMLExporter(
        extra_loaders=[DictLoader({"page.html.j2": PAGE})],
        template_file="page.html.j2",
        filters={"markdown2html": to_html},
    )
    html = str(exporter.from_notebook_node(notebook, {"metadata": {"name": title}})[0])
    return html.replace("<main>", f"<main>{UP}", 1)


def ready(notebook: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """Return the notebook with formulas in its outputs, and without TensorFlow's log.

    A warning of Python's stays.
    """
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            if output.get("name") == "stderr":
                output.text = CHATTER.sub("", output.text)
            if "text/html" in output.get("data", {}):
                output.data["text/html"] = with_mathml(output.data["text/html"])
        if cell.cell_type == "code":
            cell.outputs = [output for output in cell.outputs if output.get("text") != ""]
    return notebook


def execute(notebook: nbformat.NotebookNode, folder: Path) -> None:
    """Run a notebook from top to bottom in a folder; its cells have their outputs afterwards.

    Its kernel is spoken to by sockets in files: a port could be taken before the kernel has it.
    """
    with tempfile.TemporaryDirectory() as sockets:
        client = NotebookClient(
            notebook,
            timeout=1200,
            startup_timeout=600,
            resources={"metadata": {"path": str(folder)}},
            config=Config({"KernelManager": {"transport": "ipc", "ip": f"{sockets}/kernel"}}),
        )
        client.execute()


def write_notebooks(folder: Path, names: list[str]) -> dict[str, str]:
    """Write a page for each notebook, or for those named; return their titles by file name."""
    folder.mkdir(parents=True, exist_ok=True)
    titles = {}
    for path in sorted(NOTEBOOKS.glob("*.ipynb")):
        if not names or path.stem in names:
            notebook = nbformat.read(path, as_version=4)
            with tempfile.TemporaryDirectory() as workplace:
                execute(notebook, Path(workplace))
            title = notebook.cells[0].source.splitlines()[0].removeprefix("# ")
            (folder / f"{path.stem}.html").write_text(
                page(ready(notebook), title), encoding="utf-8"
            )
            titles[f"{path.stem}.html"] = escape(title)
    return titles
