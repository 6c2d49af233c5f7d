"""Formulas within text, for HTML: from how they are typed in a terminal, and from LaTeX."""

import re
from html import escape

_NAMES = (
    "alpha beta gamma delta epsilon zeta eta theta kappa lambda mu nu xi pi rho sigma tau phi chi "
    "psi omega Gamma Delta Theta Lambda Sigma Phi Psi Omega"
)
GREEK = {name: f"&{name};" for name in _NAMES.split()}
MINUS = "\N{MINUS SIGN}"
_SIGNS = {
    r"&lt;=": "≤",
    r"&gt;=": "≥",
    r"!=": "≠",
    r"-&gt;": "→",
    r"\binfinity\b": "∞",
    r"\bint (?=[A-Z])": "∫ ",
    r"\bsum(?=_)": "∑",
    r"\bsqrt(?=\()|\bsqrt ": "√",
    r"(?<=[\w)>|;]) - (?=[\w(&|√])": f" {MINUS} ",
    r"(?<![^(\[ ])-(?=[\w(∞∑])": MINUS,
    r"(?<=[\w)>]) \. (?=[\w(])": " · ",
    r"&lt;(?=\S)([^&]{1,12}, [^&]{1,12})(?<=\S)&gt;": r"⟨\1⟩",
}
_GREEK = re.compile(r"(?<![A-Za-z])(" + "|".join(GREEK) + r")(\d?)(?![A-Za-z0-9])")
# What stands below or above: in brackets, or a letter or number of its own.
_BRACKETS = r"\(([^()]*)\)|\{([^{}]*)\}"
_LETTER = r"(?:d?[A-Za-z]|[a-z]{2,4}(?=_[a-z0-9]\b)|" + "|".join(GREEK.values()) + ")"
_INDEX = re.compile(rf"((?<![A-Za-z0-9_&]){_LETTER}|[|)∑])_(?:{_BRACKETS}|([A-Za-z0-9]{{1,2}})\b)")
_POWER = re.compile(rf"\^(?:{_BRACKETS}|(-\d+/\d+|-?(?:\d+|[A-Za-z]\b)))")

_ENGLISH = re.compile(r"(?<![\\A-Za-z{])[A-Za-z]{2,} [A-Za-z]{2,}")  # two words in a row
_COMMANDS = re.compile(r"\([^()]*\\[A-Za-z]+[^()]*\)|\S*\\[A-Za-z]+\S*")


def typeset(text: str) -> str:
    """Return plain text as HTML, with its formulas typeset: x_k^2 <= 2/(mu + L) and the like."""
    html = escape(text, quote=False)
    for sign, symbol in _SIGNS.items():
        html = re.sub(sign, symbol, html)
    html = _GREEK.sub(lambda m: GREEK[m[1]] + (f"<sub>{m[2]}</sub>" if m[2] else ""), html)
    html = _INDEX.sub(lambda m: f"{m[1]}<sub>{m[2] or m[3] or m[4]}</sub>", html)
    return _POWER.sub(lambda m: f"<sup>{m[1] or m[2] or m[3]}</sup>".replace("-", MINUS), html)


def quoted_html(quote: str) -> str:
    r"""Return a sentence of a paper as HTML, with each formula between \( and \).

    A notebook draws these by MathJax. Of a formula that was cut off the source is shown.
    """
    if quote.count("$$") == 1:  # of a formula whose beginning or end was cut off
        quote = quote.replace("$$", "")
    whole, cut = quote, ""
    if quote.count("$") % 2:
        whole, _, cut = quote.rpartition("$")
    elif not _balanced(quote):
        whole, cut = "", quote
    html = escape(_with_dollars(whole), quote=False)
    html = re.sub(r"\$\$?(.+?)\$\$?", r"\\(\1\\)", html, flags=re.DOTALL)
    html = re.sub(r"\*\*(.+?)\*\*", r"<strong>\1</strong>", html)
    return html + (f"<code>{escape(cut, quote=False)}</code>" if cut else "")


def _with_dollars(quote: str) -> str:
    """Return the quote with dollars around its formulas, where the text has lost them."""
    if "$" in quote or "\\" not in quote:
        return quote
    if not _ENGLISH.search(re.sub(r"\\text\{[^}]*\}", "", quote)):
        return re.sub(r"^(… ?)?(.*?)( ?…)?$", r"\1$\2$\3", quote)
    return _COMMANDS.sub(r"$\g<0>$", quote)


def _balanced(formula: str) -> bool:
    r"""Return whether every \begin has its \end, and every \left its \right."""
    begun, ended = (re.findall(rf"\\{word}\{{(\w+)\}}", formula) for word in ("begin", "end"))
    left, right = (len(re.findall(rf"\\{word}\b", formula)) for word in ("left", "right"))
    return sorted(begun) == sorted(ended) and left == right
