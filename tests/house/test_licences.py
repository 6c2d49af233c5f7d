import re
import runpy

import pytest


@pytest.fixture(scope="module")
def made(repository):
    return runpy.run_path(str(repository / "docs" / "make_licences.py"))


@pytest.fixture(scope="module")
def listed(made):
    rows = re.findall(r"^\| (\S+) \| (.+) \|$", made["PAGE"].read_text(), re.MULTILINE)
    return {name: licence for name, licence in rows if name not in ("package", "---")}


def test_every_package_of_the_lock_is_listed_with_a_licence(made, listed):
    assert sorted(listed) == made["packages"]()
    assert {"says nothing", "not installed here"}.isdisjoint(listed.values())


def test_none_asks_that_what_uses_it_be_under_its_own_licence(listed):
    assert [name for name in listed if re.search(r"GPL|SSPL|CC-BY-SA", listed[name])] == []


def test_what_is_listed_is_what_a_package_says_now(made, listed):
    assert listed["keras"] == made["licence"]("keras")
    assert made["licence"]("no-such-package") == "not installed here"
