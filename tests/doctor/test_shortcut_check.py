"""What the audit of a run found of shortcuts, as the doctor says it."""

import json
from types import SimpleNamespace

import pytest

from dlmath.doctor.decisions import shortcut


def finding(kind, severity):
    advice = f"Mend the {kind}." if severity == "warning" else ""
    return {"kind": kind, "severity": severity, "message": f"The {kind}.", "advice": advice}


def verdict(tmp_path, *findings):
    path = tmp_path / "audit.json"
    path.write_text(json.dumps({"findings": list(findings)}), encoding="utf-8")
    return shortcut(SimpleNamespace(run=SimpleNamespace(audit_path=path)))


@pytest.mark.parametrize("worse", ["shortcut", "border-shortcut"])
def test_the_one_that_warns_is_said(worse, tmp_path):
    kinds = ("shortcut", "border-shortcut")
    found = verdict(tmp_path, *(finding(k, "warning" if k == worse else "note") for k in kinds))

    assert (found.word, found.found) == ("warning", f"The {worse}.")
    assert found.advice == f"Mend the {worse}."


def test_both_are_said_where_both_warn_or_neither(tmp_path):
    kinds = ("shortcut", "border-shortcut")
    for severity, word in (("warning", "warning"), ("note", "ok")):
        found = verdict(tmp_path, *(finding(kind, severity) for kind in kinds))
        assert (found.word, found.found) == (word, "The shortcut. The border-shortcut.")


def test_without_them_the_check_does_not_apply(tmp_path):
    assert verdict(tmp_path, finding("shift", "warning")).word == "not applicable"
    missing = SimpleNamespace(audit_path=tmp_path / "missing.json")
    assert shortcut(SimpleNamespace(run=missing)).word == "not applicable"
