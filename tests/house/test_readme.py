"""The README says what the committed results say, and names what is there."""

import re
import subprocess
import sys
from pathlib import Path


def test_figures_are_those_of_the_results(repository: Path) -> None:
    done = subprocess.run(
        [sys.executable, repository / "benchmarks" / "readme_tables.py", "--check"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_scripts_that_pages_and_results_name_are_there(repository: Path) -> None:
    pages = [repository / "README.md", repository / "Makefile", *repository.glob("docs/*.md")]
    pages += repository.glob("benchmarks/**/*.json")
    named = {
        name
        for page in pages
        for name in re.findall(r"\bbenchmarks/[\w/]+\.py\b", page.read_text(encoding="utf-8"))
    }
    assert len(named) > 25
    assert [name for name in sorted(named) if not (repository / name).is_file()] == []


def test_links_lead_somewhere(repository: Path) -> None:
    readme = (repository / "README.md").read_text(encoding="utf-8")
    targets = re.findall(r"\]\((?!https?:)([^)#]+)\)", readme)
    assert len(targets) >= 5
    assert [target for target in targets if not (repository / target).exists()] == []
