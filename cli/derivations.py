"""What `dlmath check --derive` prints: derivations line by line, or a table of all."""

from pathlib import Path
from typing import TYPE_CHECKING

from dlmath.cli.output import ERR, OUT, Output
from dlmath.cli.startup import load_tensorflow
from dlmath.errors import CheckFailedError, UserError
from dlmath.output_files import write_output
from dlmath.terminal_text import command

if TYPE_CHECKING:
    from dlmath.derivation import Proof

PIPE_WIDTH = 160


def check_derivations(name: str, *, latex: bool, as_json: bool, out: Path | None) -> None:
    """Derive the backward passes of a layer, or of all, and compare them with the code.

    Raises:
        UserError: There is no derivation of that name, or a page is asked for of one layer.
        CheckFailedError: A layer is not what was derived.
    """
    if out is not None and name.lower() != "all":
        raise UserError(
            f"--out writes the page of all derivations. Received: "
            f"{command('--derive', name, '--out', out)}. "
            "Use --derive all, or send the output to a file."
        )
    load_tensorflow()
    from dlmath import derivation
    from dlmath.cli.progress import reporter
    from dlmath.derivation.derivations_page import page

    with reporter() as listener:
        proofs = derivation.proofs_of(name, listener)
    if out is not None:
        write_output(out, page(proofs), "--out")
        ERR.line(f"page: {out}")
    elif as_json:
        OUT.document([proof.as_json() for proof in proofs])
    elif latex or name.lower() != "all":
        for proof in proofs:
            _print(proof, "latex" if latex else "text")
    else:
        _print_table(proofs)
    wrong = [proof.name for proof in proofs if proof.is_refuted]
    if wrong:
        raise CheckFailedError(
            f"{len(wrong)} of {len(proofs)} layers are not what was derived: {'; '.join(wrong)}. "
            "Compare the code with the steps of --derive, and run dlmath check."
        )


def _print(proof: "Proof", style: str) -> None:
    lines = list(proof.derivation.lines(style))
    if style == "latex":
        OUT.line(f"% {proof.name}")
        OUT.line(r"\begin{align*}")
        for formula, rule in lines:
            OUT.line(rf"&{formula} && \text{{{_latex_text(rule)}}} \\")
        OUT.line(r"\end{align*}")
        OUT.line(f"% {_verdict(proof)}")
        return
    OUT.line(proof.name)
    width = min(max((len(formula) for formula, _ in lines), default=0), 72)
    for formula, rule in lines:
        OUT.line(f"  {formula:{width}}   {rule}")
    OUT.line(f"{_verdict(proof)}\n")


def _latex_text(rule: str) -> str:
    from dlmath.derivation.derivations_page import rule_in_latex

    return rule_in_latex(rule)


def _verdict(proof: "Proof") -> str:
    compared = ", ".join(
        name if name.startswith("y in") or name == "y" else f"dL/d{name}" for name in proof.proven
    )
    if proof.is_refuted:
        said = f"Not what was derived ({proof.verdict()})."
    elif not proof.proven:
        said = f"Not proven: {proof.reason}."
    else:
        said = f"Proven equal to the code, for all sizes: {compared}."
        said += f" But {proof.reason}." if proof.reason else ""
    if not proof.sizes:
        return f"{said} dlmath check compares numbers."
    return f"{said} Numbers: largest relative difference {proof.error:.0e} at {proof.sizes} sizes."


def _print_table(proofs: "list[Proof]") -> None:
    from rich.text import Text

    from dlmath.cli.tables import Column, Table

    table = Table("layer", "derived", "proven", Column("numbers", number=True), lined=True)
    for proof in proofs:
        gradients = ", ".join(f"dL/d{name}" for name in proof.gradients)
        verdict = Text(proof.verdict(), "bold red" if proof.is_refuted else "")
        table.add(proof.name, gradients, verdict, f"{proof.error:.0e}")
    out = Output(pipe_width=PIPE_WIDTH)
    out.show(table)
    proven = sum(proof.is_proven for proof in proofs)
    out.styled(
        f"{len(proofs)} backward passes derived, {proven} proven equal to the code.",
        highlight=True,
    )
