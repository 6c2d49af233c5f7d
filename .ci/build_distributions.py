"""Build the wheel and the sdist of a commit, the same bytes every time.

    python .ci/build_distributions.py FOLDER [COMMIT]

What is built is what git holds, not what lies about: times are the commit's, modes are git's, and
the sdist, which setuptools packs with the times and the user of the moment, is packed again.
"""

import gzip
import io
import os
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

BUILD = """
import sys
from setuptools import build_meta
out = sys.argv[1]  # setuptools sets it again
for build in (build_meta.build_wheel, build_meta.build_sdist):
    build(out)
"""


def build(checkout: Path, out: Path, commit: str = "HEAD") -> list[Path]:
    """Write the two distributions of a commit into `out`, and return their paths."""
    moment = int(_git(checkout, "log", "-1", "--format=%ct", commit))
    before = set(out.glob("*"))
    with tempfile.TemporaryDirectory() as folder:
        tree = Path(folder, "tree")
        archive = io.BytesIO(_git(checkout, "archive", "--format=tar", commit))
        with tarfile.open(fileobj=archive) as unpacked:
            unpacked.extractall(tree, filter="data")
        _build(tree, out.resolve(), moment)
    built = sorted(set(out.glob("*")) - before)
    for sdist in (path for path in built if path.suffix == ".gz"):
        sdist.write_bytes(_packed_again(sdist, moment))
    return built


def _git(checkout: Path, *arguments: str) -> bytes:
    return subprocess.run(
        ["git", *arguments], cwd=checkout, stdout=subprocess.PIPE, check=True
    ).stdout


def _build(tree: Path, out: Path, moment: int) -> None:
    environment = {**os.environ, "SOURCE_DATE_EPOCH": str(moment), "TZ": "UTC"}
    before = os.umask(0o022)
    try:
        subprocess.run(
            [sys.executable, "-c", BUILD, out],
            cwd=tree,
            env=environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            check=True,
        )
    finally:
        os.umask(before)


def _packed_again(sdist: Path, moment: int) -> bytes:
    plain, packed = io.BytesIO(), io.BytesIO()
    with tarfile.open(sdist) as old, tarfile.open(fileobj=plain, mode="w") as new:
        for member in sorted(old, key=lambda member: member.name):
            member.mtime, member.uid, member.gid = moment, 0, 0
            member.uname = member.gname = ""
            member.pax_headers = {}  # these hold the time once more, to the nanosecond
            new.addfile(member, old.extractfile(member) if member.isfile() else None)
    with gzip.GzipFile("", "wb", fileobj=packed, mtime=moment) as compressed:
        compressed.write(plain.getvalue())
    return packed.getvalue()


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    for path in build(Path.cwd(), folder, *sys.argv[2:]):
        print(path)  # noqa: T201
