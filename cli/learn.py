"""`dlmath learn`: the mathematics, experiment by experiment."""

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dlmath.cli.certificates import certify
from dlmath.cli.options import Json
from dlmath.cli.output import ERR, OUT, Output
from dlmath.errors import CheckFailedError, UserError
from dlmath.output_files import write_output
from dlmath.terminal_text import command

if TYPE_CHECKING:
    from collections.abc import Iterable

    from dlmath.maths import Experiment, Result
    from dlmath.maths.errata import Erratum
    from dlmath.maths.mutants import Audit, Explanation, Explanations
    from dlmath.maths.papers import Paper, Source

app = typer.Typer(
    no_args_is_help=True,
    help="Run the statements of five papers, and prove some.",
)

_OUT = Output(pipe_width=160)


@app.command("list")
def list_experiments(as_json: Json = False) -> None:
    """List the experiments by paper and line."""
    from dlmath.cli.tables import Column, Table
    from dlmath.maths import PAPERS, all_experiments
    from dlmath.maths.certificates import CERTIFIED

    if as_json:
        OUT.document([one.as_json() for one in all_experiments().values()])
        return
    # A name is typed and a line looked up, so they are whole in a narrow terminal too.
    table = Table(Column("where", whole=True), Column("experiment", whole=True), "what it shows")
    for one in all_experiments().values():
        table.add(one.sources[0].place, one.name, one.title)
    _OUT.show(table)
    _OUT.line()
    _print_papers(PAPERS.values())
    ERR.line("Run one: dlmath learn run NAME. With --sabotage a hypothesis is violated.")
    names = ", ".join(CERTIFIED)
    ERR.line(f"Proven in exact fractions ({names}): dlmath learn certify NAME")


@app.command()
def run(
    names: Annotated[
        list[str] | None, typer.Argument(metavar="[NAME]...", help="Experiments, by name.")
    ] = None,
    every: Annotated[bool, typer.Option("--all", help="Run them all.")] = False,
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="ARG=VALUE", help="Set an argument of the experiment."),
    ] = None,
    sabotage: Annotated[
        bool,
        typer.Option(
            "--sabotage",
            help="Violate a hypothesis: each must fail then, and one that holds exits with 4.",
        ),
    ] = False,
    out: Annotated[
        Path | None,
        typer.Option(
            file_okay=False,
            help="Save the plots here, as NAME.svg; with other arguments than the defaults, as "
            "NAME-ARG=VALUE.svg.",
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Run experiments: both sides of each statement, and a verdict. Exits with 4 where one fails.

    Numbers are rounded here; `dlmath learn certify` proves finite statements in exact fractions.

    Example: dlmath learn run gradient-descent-contracts --set rate=1.05
    """
    from dlmath.cli.progress import reporter

    chosen = _chosen("run", names or [], every, settings or [], sabotage=sabotage)
    results = []
    with reporter() as listener:
        for number, (one, arguments) in enumerate(chosen):
            listener.progress("experiments", number, len(chosen), one.name)
            results.append(one.run(**arguments))
            if out:
                _save(results[-1], out)
            if not as_json:
                _print(results[-1], sabotaged=sabotage)
        listener.progress("experiments", len(chosen), len(chosen))
    if as_json:
        document = [result.as_json() for result in results]
        OUT.document(document if every or len(document) > 1 else document[0])
    _check_verdicts(results, sabotaged=sabotage)


@app.command()
def audit(
    names: Annotated[
        list[str] | None, typer.Argument(metavar="[NAME]...", help="Experiments, by name.")
    ] = None,
    every: Annotated[bool, typer.Option("--all", help="Audit them all.")] = False,
    jobs: Annotated[
        int | None,
        typer.Option(min=1, help="How many processes; by default one for each core."),
    ] = None,
    as_json: Json = False,
) -> None:
    """See whether experiments notice code that is wrong.

    What they are about is changed in one place after another. A change that an experiment does not
    notice must do nothing that it could see; the reasons stand in a table. Exits with 4 where one
    has none, or where a reason is for a change that is noticed.

    Example: dlmath learn audit adam-bias-correction
    """
    from dlmath.cli.progress import reporter
    from dlmath.maths.mutants import Explanations, audit_all

    chosen = [one.name for one, _ in _chosen("audit", names or [], every, [], sabotage=False)]
    with reporter() as listener:
        listener.progress("experiments", 0, len(chosen))
        audits = audit_all(
            chosen,
            jobs,
            listener.task("experiments"),
        )
    explanations = Explanations.read()
    stale = explanations.stale(audits)
    if as_json:
        document = [_audit_json(audit, explanations) for audit in audits]
        OUT.document(document if every or len(document) > 1 else document[0])
    else:
        _print_audits(audits, explanations)
    _check_audits(audits, explanations, stale)


@app.command()
def errata(
    out: Annotated[
        Path | None, typer.Option(dir_okay=False, help="Write the page to this file.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Show where the papers err, and what is right. Exits with 4 if one does not compute."""
    from dlmath.maths import PAPERS
    from dlmath.maths.errata import ERRATA, EXTRACTED
    from dlmath.maths.errata.markdown_page import counted, page

    wrong = [one.source.place for one in ERRATA if not all(check.holds for check in one.checks)]
    if out:
        write_output(out, page(), "--out")
    if as_json:
        OUT.document([one.as_json() for one in ERRATA])
    elif not out:
        _print_papers(PAPERS[key] for key in dict.fromkeys(one.source.paper for one in ERRATA))
        _OUT.line()
        _OUT.paragraph(f"{EXTRACTED} {counted()}")
        for one in ERRATA:
            _OUT.line()
            _print_erratum(one)
    if wrong:
        raise CheckFailedError(f"What is said of these lines does not compute: {'; '.join(wrong)}.")


@app.command()
def statements(
    out: Annotated[
        Path | None, typer.Option(dir_okay=False, help="Write the page to this file.")
    ] = None,
) -> None:
    """Show every statement of the papers, and what covers it."""
    from dlmath.maths.statements import page

    if out:
        write_output(out, page(), "--out")
    else:
        OUT.line(page().removesuffix("\n"))


def _print_erratum(erratum: "Erratum") -> None:
    _OUT.paragraph(f"{erratum.title}: “{erratum.source.quote}”")
    for heading, text in (
        ("said", erratum.said),
        ("but", erratum.counterexample),
        ("right", erratum.corrected),
        ("see", erratum.reference),
    ):
        if text:
            _OUT.paragraph(f"  {heading:6}{text}")
    for check in erratum.checks:
        metric = f"{check.value:.4g} {check.relation} {check.bound:.4g}"
        _OUT.paragraph(f"        {check.name}: {metric}")


def _chosen(
    action: str, names: list[str], every: bool, settings: list[str], *, sabotage: bool
) -> list[tuple["Experiment", dict]]:
    """Return the experiments of a command, each with the arguments that are not its defaults."""
    from dlmath.maths import all_experiments, find
    from dlmath.maths.settings import read_settings

    if every == bool(names):
        raise UserError(
            f"`{command('dlmath', 'learn', action)}` takes the name of an experiment, or --all. "
            f"Received: {' '.join(names) or 'neither'}. `dlmath learn list` shows the names."
        )
    if settings and (every or len(names) > 1 or sabotage):
        raise UserError(
            "--set is for one experiment, without --sabotage, which sets arguments of its own. "
            f"Received: --set {settings[0]}. Run them one by one."
        )
    if every:
        return [(one, _sabotaged(one, sabotage)) for one in all_experiments().values()]
    found = [find(name) for name in names]
    return [(one, read_settings(one, settings) or _sabotaged(one, sabotage)) for one in found]


def _sabotaged(experiment: "Experiment", sabotage: bool) -> dict:
    return dict(experiment.sabotage.arguments) if sabotage else {}


def _save(result: "Result", folder: Path) -> None:
    from dlmath.maths.plots import standalone

    path = folder / f"{_plot_name(result)}.svg"
    write_output(path, standalone(result.chart), "--out")
    ERR.line(f"plot: {path}")


def _plot_name(result: "Result") -> str:
    """Return a name that another setting of the arguments does not have."""
    changed = [f"{name}={value}" for name, value in result.changed.items()]
    return re.sub(r"[^\w.=+-]", "_", "-".join([result.experiment.name, *changed]))


def _print_source(source: "Source") -> None:
    """Print where in which paper a statement stands, and the sentence itself."""
    _OUT.paragraph(f"{source.place}: “{source.quote}”")


def _print_papers(papers: "Iterable[Paper]") -> None:
    """Print what a library needs to find the papers, by the names that they are cited by."""
    for paper in papers:
        _OUT.paragraph(f"{paper.author}: {paper.citation}")


def _print(result: "Result", *, sabotaged: bool) -> None:
    from rich.text import Text

    from dlmath.cli.tables import Column, Table
    from dlmath.maths import PAPERS
    from dlmath.maths.certificates import certificates_of

    one = result.experiment
    table = Table("", Column("", whole=True), "", margin=2)
    for check in result.checks:
        mark = Text("yes") if check.holds else Text("no", "bold red")
        table.add(check.name, f"{check.value:.4g} {check.relation} {check.bound:.4g}", mark)
    _OUT.styled(f"[bold]{one.title}[/] ({one.name})", highlight=True)
    for source in one.sources:
        _print_source(source)
    _print_papers(PAPERS[key] for key in dict.fromkeys(source.paper for source in one.sources))
    _OUT.paragraph(f"Put to the test: {one.statement}")
    if result.changed:
        settings = ", ".join(f"{name}={value}" for name, value in result.changed.items())
        _OUT.styled(f"Set: {settings}", highlight=True)
    _OUT.show(table)
    _OUT.styled(_verdict(result, sabotaged=sabotaged))
    for certificate in certificates_of(one.name):
        certify_it = command("dlmath", "learn", "certify", certificate.name)
        _OUT.line(f"Proven in exact fractions: {certify_it}")
    _OUT.line()


def _verdict(result: "Result", *, sabotaged: bool) -> str:
    """Return the verdict with Rich's markup."""
    if not sabotaged:
        return "Holds." if result.holds else "[bold red]Fails[/]."
    why = result.experiment.sabotage.why
    if result.holds:
        return f"[bold red]Holds[/], although it should fail: {why}."
    return f"Fails, as it should: {why}."


def _check_verdicts(results: list["Result"], *, sabotaged: bool) -> None:
    """Check that every statement holds, or that every one fails whose hypothesis was violated."""
    wrong = [result.experiment.name for result in results if result.holds == sabotaged]
    if not wrong:
        return
    number = f"{len(wrong)} of {len(results)} statements"
    if sabotaged:
        raise CheckFailedError(
            f"{number} hold although a hypothesis is violated: {', '.join(wrong)}. An experiment "
            "that cannot fail shows nothing."
        )
    raise CheckFailedError(
        f"{number} fail: {', '.join(wrong)}. With its defaults, which satisfy its hypotheses, each "
        "must hold."
    )


def _audit_json(audit: "Audit", explanations: "Explanations") -> dict:
    """Return an audit as plain values, each survivor with its reason, or null."""
    document = audit.as_json()
    for mutant, one in zip(document["mutants"], audit.judged, strict=True):
        if not one.noticed:
            mutant["why"] = explanations.why(audit.experiment, one.mutant)
    return document


def _print_audits(audits: list["Audit"], explanations: "Explanations") -> None:
    from dlmath.cli.tables import Column, Table
    from dlmath.maths.mutants import NOTICED

    table = Table(Column("experiment", whole=True), "tried", "noticed", "explained", "not noticed")
    for audit in audits:
        unexplained = len(explanations.unexplained(audit))
        explained = len(audit.survivors) - unexplained
        noticed = audit.count(*NOTICED)
        table.add(
            audit.experiment,
            *map(str, (len(audit.judged), noticed, explained, unexplained)),
        )
    _OUT.show(table)
    for audit in audits:
        if unnoticed := explanations.unexplained(audit):
            _OUT.line(f"\n{audit.experiment} does not notice:")
        for mutant in unnoticed:
            _OUT.paragraph(f"  {mutant.file}:{mutant.line}, {mutant.function}: {mutant.change}")


def _check_audits(
    audits: list["Audit"], explanations: "Explanations", stale: list["Explanation"]
) -> None:
    """Check that every change is noticed or explained, and that every explanation is needed."""
    unexplained = sum(len(explanations.unexplained(audit)) for audit in audits)
    tried = sum(len(audit.judged) for audit in audits)
    if unexplained:
        raise CheckFailedError(
            f"{unexplained} of {tried} changes are not noticed, and no reason is known why. Make "
            "the bounds of the experiment tighter, or enter the reason in "
            "dlmath/maths/mutants/reasons/."
        )
    if stale:
        listed = "; ".join(f"{one.function}, {one.change}" for one in stale)
        raise CheckFailedError(
            f"Explanations of changes that are noticed or no longer made: {len(stale)} "
            f"({listed}). Take them out of dlmath/maths/mutants/reasons/."
        )


app.command()(certify)
