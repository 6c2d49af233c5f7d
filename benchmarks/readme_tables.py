"""Put the figures of `benchmarks/results/` into README.md and docs, between marks.

python benchmarks/readme_tables.py          # write
python benchmarks/readme_tables.py --check  # exit 1 if a page says something else
"""

import importlib
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
MARKED = r"(<!-- (\w+): \w+ by benchmarks/readme_tables.py -->\n).*?(<!-- end of \2 -->)"


def main() -> None:
    blocks = made()
    used = []
    for page in (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))):
        text = page.read_text(encoding="utf-8")
        used += [name for _, name, _ in re.findall(MARKED, text, re.DOTALL)]
        wanted = filled(text, blocks)
        if "--check" not in sys.argv[1:]:
            page.write_text(wanted, encoding="utf-8")
        elif text != wanted:
            sys.exit(f"{page.name} disagrees with benchmarks/results/; run this without --check.")
    if sorted(used) != sorted(blocks):
        sys.exit(
            f"Each block must stand on one page. Received: {sorted(used)}, not {sorted(blocks)}."
        )


def made() -> dict[str, str]:
    """Return the text of every block by its name."""
    for path in sorted(Path(__file__).parent.glob("*/*blocks.py")):
        importlib.import_module(f"benchmarks.{path.parent.name}.{path.stem}")
    from benchmarks.tables import BLOCKS

    return {name: function() for name, function in BLOCKS.items()}


def filled(text: str, blocks: dict[str, str]) -> str:
    """Return a page with each marked block replaced by what its results say."""
    return re.sub(MARKED, lambda m: f"{m[1]}{blocks[m[2]]}{m[3]}", text, flags=re.DOTALL)


if __name__ == "__main__":
    main()
