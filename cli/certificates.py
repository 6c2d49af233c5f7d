"""`dlmath learn certify`: finite statements, proven in fractions."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dlmath.cli.options import Json
from dlmath.cli.output import ERR, OUT
from dlmath.errors import CheckFailedError, DataError, UserError
from dlmath.given_paths import given_path
from dlmath.output_files import write_output
from dlmath.terminal_text import command

if TYPE_CHECKING:
    from dlmath.maths.certificates import Certificate


def certify(
    names: Annotated[
        list[str] | None, typer.Argument(metavar="[NAME]...", help="Statements. Without one, all.")
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(file_okay=False, help="Save the certificates here, as NAME-NUMBER.json."),
    ] = None,
    check: Annotated[
        Path | None,
        typer.Option(dir_okay=False, help="Verify the certificate in this file; find none."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Prove finite statements in exact fractions.

    Finds a certificate of each and verifies it: the least degree of a boundary, the place where
    interpolation begins to diverge, a network that equals a function. Nothing is rounded in a
    verification. Exits with 4 where one fails.

    Example: dlmath learn certify least-degree --out certificates
    """
    from dlmath.maths.certificates import CERTIFIED, certified

    if check is not None and (names or out is not None):
        raise UserError(
            f"--check verifies one file. Received: {command('--check', check)} with "
            f"{' '.join(names or ['--out'])}. Leave the others out."
        )
    found: list[tuple[str, Certificate]]
    if check is not None:
        found = [(check.name, _read(check))]
    else:
        chosen = [certified(name) for name in names] if names else CERTIFIED.values()
        found = [
            (f"{one.name}-{number}", certificate)
            for one in chosen
            for number, certificate in enumerate(one.find(), 1)
        ]
    _report(found, out, as_json=as_json)


def _report(found: "list[tuple[str, Certificate]]", out: Path | None, *, as_json: bool) -> None:
    from dlmath.maths.certificates.records import as_record, as_text

    results = [(name, one, one.problems()) for name, one in found]
    if as_json:
        OUT.document(
            [
                {
                    "name": name,
                    "claim": one.claim,
                    "verified": not problems,
                    "problems": problems,
                    "certificate": as_record(one),
                }
                for name, one, problems in results
            ]
        )
    for name, one, problems in results:
        if out is not None:
            path = out / f"{name}.json"
            write_output(path, as_text(one), "--out")
            ERR.line(f"certificate: {path}")
        if not as_json:
            verdict = "Proven" if not problems else f"Not proven ({'; '.join(problems)})"
            OUT.paragraph(f"{name}: {one.claim}.")
            OUT.paragraph(f"  {verdict}, by {one.evidence}.")
    wrong = [name for name, _, problems in results if problems]
    if wrong:
        raise CheckFailedError(
            f"{len(wrong)} of {len(results)} certificates prove nothing: {', '.join(wrong)}. "
            "Find them again with dlmath learn certify."
        )


def _read(path: Path) -> "Certificate":
    from dlmath.maths.certificates.records import from_record

    try:
        return from_record(json.loads(given_path(path).read_text(encoding="utf-8")))
    except (OSError, ValueError) as error:
        raise DataError(
            f"Cannot read {path} as a certificate: {error}. Give a file that "
            "dlmath learn certify --out wrote."
        ) from error
