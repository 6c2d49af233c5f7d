"""The text that ships with the project, as documents, and its split by document.

`project_text.txt` is a snapshot of the project's own prose, about 420 kB; its first lines say what
is in it. It does not follow the pages that it was taken from, so that results stay comparable.
"""

from importlib.resources import files

from dlmath import seeds

HELD_OUT = 0.15  # share of the documents


def documents() -> dict[str, str]:
    """Return the text of each document by its name, in the order of the file."""
    text = files("dlmath.sequences").joinpath("project_text.txt").read_text(encoding="utf-8")
    _, *parts = text.split("\f")
    return {name: body for name, _, body in (part.partition("\n") for part in parts)}


def is_held_out(name: str) -> bool:
    """Return whether a document is kept for the test, which only its name decides.

    Whole documents are held out: sentences of one page repeat its words, and a split by line would
    let a model look them up.
    """
    return bool(seeds.generator("held-out document", name).random() < HELD_OUT)


def training_and_held_out() -> tuple[dict[str, str], dict[str, str]]:
    """Return the documents to learn from, and those to be tested on."""
    found = documents()
    return (
        {name: text for name, text in found.items() if not is_held_out(name)},
        {name: text for name, text in found.items() if is_held_out(name)},
    )
