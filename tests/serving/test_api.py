"""The API in one process: good answers, the bad requests, and what the description says."""

import base64
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.testclient import TestClient

from dlmath.inference.predict_files import predict_by
from dlmath.runs import Run
from dlmath.serving.api import create_app
from dlmath.serving.bodies import BoundedBodies
from dlmath.serving.limits import Limits
from dlmath.serving.observed import Observed
from dlmath.serving.service import Service
from tests.support.bad_requests import BAD_REQUESTS, MODEL, form, png

LIMITS = Limits(body_bytes=2**18, image_bytes=100_000, images=4, pixels=10**6)


@pytest.fixture(scope="module")
def client(module_light_run: Run) -> Iterator[TestClient]:
    """A client of a server of the tiny run."""
    service = Service.open(module_light_run, limits=LIMITS)

    def note(route: str, status: int, seconds: float, refusal: Any) -> None:
        service.telemetry.request(route, status, seconds)
        if refusal is not None:
            service.telemetry.refused(refusal)

    app = Observed(BoundedBodies(create_app(service), LIMITS), note)
    with TestClient(app, raise_server_exceptions=False) as found:
        found.service = service  # type: ignore[attr-defined]
        yield found
    service.close()


@pytest.fixture(scope="module")
def images(module_light_run: Run) -> list[Path]:
    """Four images of the tiny run's data."""
    return sorted((module_light_run.folder.parent.parent / "data" / "test").rglob("*.*"))[:24:6]


def _send(client: TestClient, bad: Any) -> httpx.Response:
    return client.request(bad.method, bad.path, content=bad.body, headers=bad.headers)


@pytest.mark.parametrize("bad", BAD_REQUESTS, ids=lambda bad: bad.what)
def test_a_bad_request_is_refused_with_its_reason(client: TestClient, bad: Any) -> None:
    answer = _send(client, bad)

    assert answer.status_code == bad.status, answer.text
    assert bad.reason in answer.json()["error"]
    assert "/" not in answer.json()["error"].replace("application/json", "").replace(
        "multipart/form-data", ""
    )


def test_the_table_names_each_request_once() -> None:
    names = [bad.what for bad in BAD_REQUESTS]

    assert len(set(names)) == len(names)


def test_files_are_answered_as_by_predict(client: TestClient, images: list[Path]) -> None:
    files = [("file", (path.name, path.read_bytes())) for path in images]

    answer = client.post("/predict", files=files)

    expected = predict_by(client.service.classifier, images)  # type: ignore[attr-defined]
    assert answer.status_code == 200
    for entry, one in zip(answer.json(), expected, strict=True):
        wanted = one.as_json()
        assert entry["probabilities"] == pytest.approx(wanted.pop("probabilities"), abs=1e-12)
        no_scores = {"ood_score": None, "distance": None}
        for name in no_scores:
            assert entry[name] == (
                None if one.ood_score is None else pytest.approx(one.ood_score, rel=1e-12)
            )
        assert {**wanted, "file": Path(wanted["file"]).name, **no_scores} == {
            **{name: value for name, value in entry.items() if name != "probabilities"},
            **no_scores,
        }


@pytest.mark.parametrize("named", [False, True])
@pytest.mark.parametrize("version", ["", "/versions/1"])
def test_rows_and_columns_have_the_same_answers(
    client: TestClient, images: list[Path], named: bool, version: str
) -> None:
    encoded = [{"b64": base64.b64encode(path.read_bytes()).decode()} for path in images]
    rows: Any = [{"images": one} for one in encoded] if named else encoded
    columns: Any = {"images": encoded} if named else encoded
    url = f"{MODEL}{version}:predict"

    by_row = client.post(url, json={"instances": rows, "signature_name": "serving_default"})
    by_column = client.post(url, json={"inputs": columns})

    predictions = by_row.json()["predictions"]
    assert by_column.json()["outputs"] == {
        name: [row[name] for row in predictions] for name in predictions[0]
    }
    assert [len(row["probabilities"]) for row in predictions] == [2] * len(images)
    assert predictions[0]["classes"] == ["NORMAL", "PNEUMONIA"]


def test_a_file_without_an_answer_leaves_the_answers_of_the_others(client: TestClient) -> None:
    body, headers = form(("good.png", png()), ("bad.png", b"hello"))

    answer = client.post("/predict", content=body, headers=headers)

    good, bad = answer.json()["files"]
    assert good["class"] in ("NORMAL", "PNEUMONIA")
    assert "no image of a format that is read" in bad["error"]


@pytest.mark.parametrize("name", ["../../etc/passwd", "a%0d%0ab.png", "\u202ex.png", "x" * 3000])
def test_a_file_name_is_a_word_in_the_answer_alone(client: TestClient, name: str) -> None:
    body, headers = form((name, png()))

    answer = client.post("/predict", content=body, headers=headers)

    assert answer.status_code == 200
    (entry,) = answer.json()
    assert len(entry["file"]) <= 255
    assert entry["file"].isprintable()


def test_the_metrics_count_what_was_asked(client: TestClient) -> None:
    client.post("/predict", content=b"", headers={"content-type": "text/plain"})
    client.get("/any/of/many")

    text = client.get("/metrics").text

    assert 'dlmath_requests_total{route="/predict",status="415"}' in text
    assert 'dlmath_refusals_total{reason="content_type"}' in text
    assert 'route="page",status="404"' in text
    assert "/any/of/many" not in text


def test_the_description_page_loads_nothing_from_elsewhere(client: TestClient) -> None:
    page = client.get("/docs").text

    assert "POST /predict" in page
    assert "http://" not in page
    assert "https://" not in page


def test_every_answer_says_how_a_browser_must_treat_it(client: TestClient) -> None:
    for path in ("/healthz", "/predict", "/nowhere"):
        assert client.get(path).headers["x-content-type-options"] == "nosniff"


def test_a_body_without_a_length_is_counted_as_it_comes(client: TestClient) -> None:
    def pieces() -> Iterator[bytes]:
        for _ in range(10_000):
            yield bytes(1000)

    name = 'dlmath_refusals_total{reason="body_bytes"}'
    registry = client.service.telemetry.registry  # type: ignore[attr-defined]
    counted = registry.get_sample_value("dlmath_refusals_total", {"reason": "body_bytes"}) or 0

    answer = client.post(f"{MODEL}:predict", content=pieces())

    assert answer.status_code == 413
    assert f"{name} {counted + 1}" in client.get("/metrics").text


@pytest.mark.slow
def test_schemathesis_finds_nothing_against_the_description(client: TestClient) -> None:
    import schemathesis
    from hypothesis import HealthCheck, given, settings
    from schemathesis.specs.openapi.checks import positive_data_acceptance

    schema = schemathesis.openapi.from_dict(client.get("/openapi.json").json())
    schema.app = client.app
    for operation in schema.get_all_operations():

        @settings(max_examples=20, suppress_health_check=list(HealthCheck), database=None)
        @given(case=operation.ok().as_strategy())
        def check(case: Any) -> None:
            # No schema can say that bytes are an image: what is made up by one is refused.
            case.call_and_validate(app=client.app, excluded_checks=[positive_data_acceptance])

        check()


def test_the_metadata_name_the_outputs_that_come(client: TestClient, images: list[Path]) -> None:
    rows = [{"b64": base64.b64encode(images[0].read_bytes()).decode()}]
    answer = client.post(f"{MODEL}:predict", json={"instances": rows}).json()["predictions"][0]
    for path in (MODEL, f"{MODEL}/versions/1"):
        found = client.get(f"{path}/metadata").json()
        signature = found["metadata"]["signature_def"]["signature_def"]["serving_default"]
        assert signature["outputs"].keys() == answer.keys()
        assert found["model_spec"]["name"] == MODEL.rpartition("/")[2]
    assert client.get("/v1/models/other/metadata").status_code == 404
    assert client.get(f"{MODEL}/versions/2/metadata").status_code == 404


@pytest.mark.parametrize(
    ("disposition", "name"),
    [
        ("filename*=UTF-8''R%C3%B6ntgen%20%E2%82%AC.png", "Röntgen €.png"),
        ("filename*=\"utf-8'de'R%C3%B6ntgen.png\"", "Röntgen.png"),
        ("filename*=iso-8859-1''R%F6ntgen.png", "Röntgen.png"),
        ("filename*=klingon''R%C3%B6ntgen.png", "Röntgen.png"),
        ("filename*=utf-8''a%22%3B%0D%0Ab.png", "a_;__b.png"),
        ("filename=\"plain.png\"; filename*=utf-8''R%C3%B6.png", "plain.png"),
    ],
)
def test_a_file_may_be_named_as_rfc_5987_has_it(
    client: TestClient, images: list[Path], disposition: str, name: str
) -> None:
    content = images[0].read_bytes()
    head = f'--x\r\nContent-Disposition: form-data; name="file"; {disposition}\r\n\r\n'
    body = head.encode() + content + b"\r\n--x--\r\n"
    headers = {"content-type": "multipart/form-data; boundary=x"}
    answer = client.post("/predict", content=body, headers=headers)
    assert answer.status_code == 200, answer.text
    assert [one["file"] for one in answer.json()] == [name]


def test_a_refusal_for_a_time_says_in_the_description_when_to_come_again(
    client: TestClient,
) -> None:
    for path, methods in client.get("/openapi.json").json()["paths"].items():
        for operation in methods.values():
            assert "Retry-After" in operation["responses"]["503"]["headers"], path
