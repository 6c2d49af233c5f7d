"""What every experiment must be, whichever it is."""

import html
import json
import re

import pytest

from dlmath.charts import LEFT
from dlmath.maths import PAPERS, all_experiments
from dlmath.maths.plots import standalone

SEEDS = range(34)
EVERY = [pytest.param(one, id=name) for name, one in all_experiments().items()]


@pytest.mark.parametrize("one", EVERY)
def test_holds_by_default_and_says_so_in_json(one):
    result = one.run()
    assert result.holds, [check for check in result.checks if not check.holds]
    document = json.loads(json.dumps(result.as_json(), allow_nan=False))
    assert document["verdict"] == "holds"
    assert document["checks"]
    assert document["arguments"] == one.defaults
    svg = standalone(result.chart)
    assert svg.count("<polyline") >= 1
    names = re.findall(rf'<text x="{LEFT + 24}" y="\d+">([^<]*)</text>', svg)
    assert names
    assert all(len(html.unescape(name)) <= 40 for name in names), "no room for these names"


@pytest.mark.parametrize("one", EVERY)
def test_its_sabotage_turns_the_verdict(one):
    assert set(one.sabotage.arguments) <= set(one.defaults)
    result = one.run(**one.sabotage.arguments)
    assert not result.holds
    json.dumps(result.as_json(), allow_nan=False)
    standalone(result.chart)


@pytest.mark.slow  # all experiments twice
@pytest.mark.parametrize("one", EVERY)
def test_repeats_to_the_bit(one):
    first, second = (one.run() for _ in range(2))
    assert first.checks == second.checks
    assert first.chart.svg() == second.chart.svg()


SEEDED = [case for case in EVERY if "seed" in case.values[0].defaults]


@pytest.mark.slow  # some minutes
@pytest.mark.parametrize("one", SEEDED)
def test_the_verdicts_do_not_hang_on_the_seed(one):
    """docs/experiments.md says the same of each sabotage on every seed."""
    arguments = one.sabotage.arguments
    assert [seed for seed in SEEDS if not one.run(seed=seed).holds] == []
    assert [seed for seed in SEEDS[::4] if one.run(**{**arguments, "seed": seed}).holds] == []


@pytest.mark.parametrize("one", EVERY)
def test_tells_what_it_is(one):
    assert one.sources
    assert one.title
    assert one.statement.endswith(".")
    assert one.sabotage.why
    assert one.compute.__doc__, "say what its arguments are"


def test_sources_stand_where_they_are_said_to(papers_folder):
    lines = {key: (papers_folder / p.file).read_text().splitlines() for key, p in PAPERS.items()}
    missing = [
        f"{one.name}: {source}"
        for one in all_experiments().values()
        for source in one.sources
        if source.words not in lines[source.paper][source.line - 1]
    ]
    assert not missing, "\n".join(missing)
