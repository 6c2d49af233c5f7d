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


def test_links_lead_somewhere(repository: Path) -> None:
    readme = (repository / "README.md").read_text(encoding="utf-8")
    targets = re.findall(r"\]\((?!https?:)([^)#]+)\)", readme)
    assert len(targets) >= 5
    assert [target for target in targets if not (repository / target).exists()] == []
