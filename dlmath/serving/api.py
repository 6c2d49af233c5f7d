"""The HTTP API: predictions for programs, and the state of the server."""

import asyncio
from collections.abc import Sequence
from typing import Annotated, Any

from fastapi import FastAPI, Path, Request, Response
from starlette.exceptions import HTTPException

from dlmath._version import __version__
from dlmath.inference.outcome import Prediction
from dlmath.serving import description as told
from dlmath.serving.openapi_page import api_page
from dlmath.serving.page_routes import not_there
from dlmath.serving.refusal import Refusal
from dlmath.serving.replies import Json, answer_refusal
from dlmath.serving.service import Service
from dlmath.serving.tensorflow_form import file_name, metadata, read_request, write_answer
from dlmath.serving.uploads import Upload, read_uploads

_VERSION = "1"  # of the model, in the addresses of TensorFlow Serving
# The last one is what `curl -d` sends, as the examples of TensorFlow Serving do.
_JSON_TYPES = ("", "application/json", "application/x-www-form-urlencoded")
_DESCRIPTION = (
    "Research use only: not a medical device. A refusal has the form {error: reason}; nothing that "
    "is sent is kept."
)


def create_app(service: Service) -> FastAPI:
    """Return the API of a service, with its OpenAPI description."""
    app = FastAPI(
        title=f"dlmath: {service.name}",
        version=__version__,
        description=_DESCRIPTION,
        docs_url=None,  # FastAPI's own page loads its scripts from another host
        redoc_url=None,
        redirect_slashes=False,
    )
    _Routes(service).add_to(app)
    app.add_exception_handler(Refusal, _on_refusal)
    app.add_exception_handler(HTTPException, _on_http_error)
    return app


class _Routes:
    """The functions behind the addresses."""

    def __init__(self, service: Service):
        self.service = service
        self.limits = service.limits

    def add_to(self, app: FastAPI) -> None:
        """Add all addresses."""
        self._add_predictions(app)
        self._add_models(app)
        text = told.answer_of("Yes.", "text/plain")
        state: dict[str, Any] = {"tags": ["state"], "responses": {**text, **told.refusals()}}
        app.get("/healthz", summary="Whether the server lives", **state)(_healthy)
        app.get("/readyz", summary="Whether the server takes requests", **state)(self.ready)
        app.get("/metrics", summary="Counts, as Prometheus reads them", **state)(self.metrics)
        app.get("/docs", include_in_schema=False)(lambda: api_page(app.openapi()))

    def _add_predictions(self, app: FastAPI) -> None:
        most = self.limits.images
        bad_files = told.refusals(400, 408, 413, 415, 422)
        app.post(
            "/predict",
            summary="Predict image files",
            tags=["predict"],
            responses={**told.json_answer("All were answered.", told.PREDICTIONS), **bad_files},
            openapi_extra=told.files_body(most),
        )(self.predict)
        app.post(
            "/explain",
            summary="Show where an image holds what speaks for its class",
            tags=["predict"],
            responses={
                **told.answer_of("A picture: Grad-CAM over the image.", "image/png"),
                **bad_files,
                **told.refusals(404),
            },
            openapi_extra=told.files_body(1),
        )(self.explain)

    def _add_models(self, app: FastAPI) -> None:
        refusals = told.refusals(400, 404, 408, 413, 415, 422)
        predict: dict[str, Any] = {
            "tags": ["TensorFlow Serving"],
            "responses": {**told.json_answer("Answered.", told.TENSORFLOW_ANSWER), **refusals},
            "openapi_extra": told.tensorflow_body(self.limits.images),
        }
        status: dict[str, Any] = {
            "tags": ["TensorFlow Serving"],
            "responses": {**told.json_answer("Its state.", {"type": "object"}), **refusals},
        }
        model, version = "/v1/models/{name}", "/v1/models/{name}/versions/{version}"
        app.post(f"{model}:predict", summary="Predict", **predict)(self.predict_rows)
        app.post(f"{version}:predict", summary="Predict", **predict)(self.predict_version)
        app.get(model, summary="State of the model", **status)(self.model_status)
        app.get(version, summary="State of a version", **status)(self.version_status)
        known = {
            **status,
            "responses": {**told.json_answer("Its signature.", {"type": "object"}), **refusals},
        }
        app.get(f"{model}/metadata", summary="Signature of the model", **known)(self.metadata)
        app.get(f"{version}/metadata", summary="Signature of a version", **known)(
            self.version_metadata
        )

    async def predict(self, request: Request) -> Response:
        """Answer each file as `dlmath predict --json` does, in the order of the form.

        Where one of them has no answer the status is that of the first such file, and `files` has
        the whole list next to the reason.
        """
        uploads = await read_uploads(request, self.limits, self.limits.images)
        answers = await self._predict_all(uploads)
        bad = [one for one in answers if isinstance(one, Refusal)]
        entries = [_entry(*pair) for pair in zip(uploads, answers, strict=True)]
        if not bad:
            return Json(entries)
        reason = bad[0].reason
        if len(entries) > 1:
            reason = f"{len(bad)} of {len(entries)} files have no answer. {reason}"
        first = Refusal(bad[0].status, reason, bad[0].retry_after, code=bad[0].code)
        return answer_refusal(request.scope, first, files=entries)

    async def explain(self, request: Request) -> Response:
        """Return a PNG of one file, and next to it of the file with its heat map."""
        (upload,) = await read_uploads(request, self.limits, 1)
        picture = await self.service.explain(upload.content, upload.name)
        return Response(picture, media_type="image/png")

    async def predict_rows(
        self, request: Request, name: Annotated[str, Path(description="Of the model.")]
    ) -> Response:
        """Answer in the REST form of TensorFlow Serving: all images or none."""
        self._require(name)
        kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind not in _JSON_TYPES:
            raise Refusal(415, "Send the body as application/json.", code="content_type")
        # In a thread: a body of megabytes would keep all other clients waiting.
        asked = await asyncio.to_thread(read_request, await request.body(), self.limits)
        uploads = [Upload(file_name(place), image) for place, image in enumerate(asked.images)]
        answers = []
        for answer in await self._predict_all(uploads):
            if isinstance(answer, Refusal):
                raise answer
            answers.append(answer)
        return Json(write_answer(answers, is_columnar=asked.is_columnar))

    async def predict_version(self, request: Request, name: str, version: str) -> Response:
        """Answer as without a version; there is only one."""
        self._require(name, version)
        return await self.predict_rows(request, name)

    async def model_status(self, name: str) -> Response:
        """Return the state in the form of TensorFlow Serving."""
        self._require(name)
        state = "UNLOADING" if self.service.is_closing else "AVAILABLE"
        status = {"error_code": "OK", "error_message": ""}
        known = {"version": _VERSION, "state": state, "status": status}
        return Json({"model_version_status": [known]})

    async def version_status(self, name: str, version: str) -> Response:
        """Answer as without a version."""
        self._require(name, version)
        return await self.model_status(name)

    async def metadata(self, name: str) -> Response:
        """Return inputs and outputs with their types, in the form of TensorFlow Serving."""
        self._require(name)
        return Json(metadata(self.service.classifier, name, _VERSION))

    async def version_metadata(self, name: str, version: str) -> Response:
        """Answer as without a version."""
        self._require(name, version)
        return await self.metadata(name)

    async def ready(self) -> Response:
        """Say whether requests are taken; a load balancer asks this."""
        if self.service.is_closing:
            raise Refusal(503, "The server is stopping.", 1, code="stopping")
        return Response("ready\n", media_type="text/plain")

    async def metrics(self) -> Response:
        """Return counts of requests, refusals, batches and decisions."""
        return Response(self.service.telemetry.text(), media_type="text/plain; version=0.0.4")

    async def _predict_all(self, uploads: Sequence[Upload]) -> list[Prediction | Refusal]:
        """Return an answer or a refusal for each file.

        No more of one request than fill a batch wait at a time, so that a request with many images
        takes turns with others.
        """
        turns = asyncio.Semaphore(self.limits.batch)

        async def one(upload: Upload) -> Prediction | Refusal:
            async with turns:
                try:
                    return await self.service.predict(upload.content, upload.name)
                except Refusal as refusal:
                    return refusal

        return await asyncio.gather(*map(one, uploads))

    def _require(self, name: str, version: str = _VERSION) -> None:
        if name != self.service.name or version != _VERSION:
            only = f"{self.service.name!r}, version {_VERSION}"
            raise Refusal(404, f"There is no such model here. The only one is {only}.", code="name")


async def _healthy() -> Response:
    """Say that the server lives; what restarts it otherwise asks this."""
    return Response("ok\n", media_type="text/plain")


def _entry(upload: Upload, answer: Prediction | Refusal) -> dict[str, Any]:
    if isinstance(answer, Refusal):
        return {"file": upload.name, "error": answer.reason}
    return answer.as_json()


async def _on_refusal(request: Request, error: Exception) -> Response:
    assert isinstance(error, Refusal)
    return answer_refusal(request.scope, error)


async def _on_http_error(request: Request, error: Exception) -> Response:
    """Put what Starlette refuses, a path or a method, into the one form."""
    assert isinstance(error, HTTPException)
    refusal = Refusal(error.status_code, str(error.detail), code="address")
    if error.status_code in (404, 405):
        refusal = not_there(error.status_code)
    answer = answer_refusal(request.scope, refusal)
    answer.headers.update(error.headers or {})
    return answer
