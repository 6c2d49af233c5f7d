import json

import pytest
import typer
from typer.testing import CliRunner

from dlmath.cli import certificates
from dlmath.errors import CheckFailedError, DataError, UserError

app = typer.Typer()
app.command()(certificates.certify)


def invoke(*arguments):
    return CliRunner().invoke(app, list(map(str, arguments)))


def test_a_claim_is_printed_with_its_verdict():
    result = invoke("runge-threshold")
    assert result.exit_code == 0, result.output
    said = " ".join(result.stdout.split())
    assert "0.726676860477 < x* < 0.726676860478" in said
    assert "Proven, by signs of the potential's difference" in said


def test_a_certificate_is_written_verified_from_its_file_and_refused_when_spoilt(tmp_path):
    assert invoke("piecewise-network", "--out", tmp_path).exit_code == 0
    path = tmp_path / "piecewise-network-1.json"
    (found,) = json.loads(invoke("--check", path, "--json").stdout)
    assert found["verified"]
    assert found["certificate"] == json.loads(path.read_text())
    spoilt = {**found["certificate"], "offset": "1/3"}
    path.write_text(json.dumps(spoilt))
    error = invoke("--check", path).exception
    assert isinstance(error, CheckFailedError)
    assert "1 of 1 certificates prove nothing" in str(error)


@pytest.mark.parametrize("text", ["{", "[1, 2]", '{"kind": "Proof"}'])
def test_a_file_that_is_no_certificate_is_one_message_of_the_users(tmp_path, text):
    path = tmp_path / "certificate.json"
    path.write_text(text)
    error = invoke("--check", path).exception
    assert isinstance(error, DataError)
    assert error.exit_code == 2


def test_check_stands_by_itself(tmp_path):
    path = tmp_path / "certificate.json"
    path.write_text("{}")
    assert isinstance(invoke("least-degree", "--check", path).exception, UserError)
