"""A test that the ledger names fails when the code of its statement is broken, and only then."""

import json
from collections import defaultdict
from collections.abc import Callable, Iterator

import pytest

from dlmath.maths.ledger import LEDGER
from tests.support.fork_server import ForkServer

Verdicts = dict[str, dict[str, list[int]]]
UNITS = {unit for entries in LEDGER.values() for entry in entries for unit in entry.tests}
UNITS = sorted(UNITS, key=lambda unit: (unit.breaks, unit.edit or (), unit.name))
CASES = defaultdict(list)  # of one break, whose tests share a process
for one in UNITS:
    CASES[one.breaks, one.edit].append(one)
BREAKS = [
    pytest.param(*key, units, id=f"{key[0].removeprefix('dlmath.')}{'-edited' * bool(key[1])}")
    for key, units in CASES.items()
]


@pytest.fixture(scope="module")
def judged(tmp_path_factory) -> Iterator[Callable[..., Verdicts]]:
    """The function that runs tests with code broken, as `tests.support.evidence.judge` does."""
    answer = tmp_path_factory.mktemp("evidence") / "answer.json"
    with ForkServer("tests.support.evidence") as server:

        def judge(targets, faults, edit, tests) -> Verdicts:
            answer.unlink(missing_ok=True)
            code = server.call("judge", targets, faults, edit, sorted(tests), str(answer))
            assert code == 0, server.errors()
            return json.loads(answer.read_text(encoding="utf-8"))

        yield judge


@pytest.mark.slow
@pytest.mark.parametrize(("target", "edit", "units"), BREAKS)
def test_the_tests_named_fail_when_the_code_of_their_statement_is_broken(
    judged, target, edit, units
):
    faults = sorted({fault for unit in units for fault in unit.faults})
    noticed = defaultdict(dict)
    for fault, verdicts in judged([target], faults, edit, {unit.name for unit in units}).items():
        for name, (_, failed, met) in verdicts.items():
            if edit or met:  # where no result is changed there is nothing to notice
                noticed[name][fault] = failed > 0
    for unit in units:
        found = (
            noticed[unit.name]
            if edit
            else {
                fault: failed
                for fault, failed in noticed[unit.name].items()
                if fault in unit.faults
            }
        )
        assert found, f"{unit.name} never calls {target}, or no fault changes it"
        unseen = [edit or fault for fault, failed in found.items() if not failed]
        assert not unseen, f"{unit.name} passes while {target} is broken: {unseen}"


@pytest.mark.slow
def test_they_pass_when_every_one_of_these_functions_is_in_the_same_way_replaced_by_itself(judged):
    targets, names = {unit.breaks for unit in UNITS}, {unit.name for unit in UNITS}
    verdicts = judged(sorted(targets), ["unchanged"], None, names)["unchanged"]
    wrong = {name: found for name, found in verdicts.items() if not found[0] or found[1]}
    assert not wrong
