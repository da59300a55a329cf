"""The addresses of a server."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse

from compressor import __version__
from compressor.serve.inputs import SCHEMA
from compressor.serve.metrics import CONTENT_TYPE_LATEST
from compressor.serve.refused import BAD_INPUT, NOT_FOUND, OVERLOADED, TOO_LARGE, Refused
from compressor.serve.service import Service

__all__ = ["create_app"]

PREDICT: dict[str, Any] = {
    "openapi_extra": {"requestBody": {"required": True, "content": {"application/json": {"schema": SCHEMA}}}},
    "responses": {
        200: {
            "description": "An answer for each input, in their order, as `compressor predict` gives it.",
            "content": {"application/json": {"example": {"bundle": "reviews", "variant": "int8", "answers": [{}]}}},
        },
        NOT_FOUND: {"description": "There is no bundle of this name."},
        TOO_LARGE: {"description": "Too many texts, a text that is too long, or too many bytes."},
        BAD_INPUT: {"description": "The body isn't what the bundle reads; `detail` says why."},
        OVERLOADED: {"description": "Overloaded, or about to end: try again after `Retry-After` seconds."},
    },
}


def create_app(service: Service) -> FastAPI:
    """The web application. `/openapi.json` describes it; pages that load scripts from elsewhere are left out."""

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        service.start()
        yield
        service.close()

    app = FastAPI(title="compressor", version=__version__, lifespan=lifespan, docs_url=None, redoc_url=None)

    @app.exception_handler(Refused)
    async def refuse(_: Request, refused: Refused) -> Response:
        return JSONResponse({"detail": str(refused)}, refused.status, refused.headers)

    @app.post("/v1/{bundle}/predict", **PREDICT)
    async def predict(bundle: str, request: Request) -> Response:
        """Answer texts with a bundle."""
        return Response(await service.predict(bundle, request), media_type="application/json")

    if len(service.models) == 1:
        (only,) = service.models

        @app.post("/predict", **PREDICT)
        async def predict_only(request: Request) -> Response:
            """Answer texts with the only bundle."""
            return Response(await service.predict(only, request), media_type="application/json")

    @app.get("/v1/models")
    async def models() -> dict[str, list[dict[str, Any]]]:
        """The bundles: tasks, roles of their texts, labels, variants."""
        return {"models": [model.describe() for model in service.models.values()]}

    @app.get("/health")
    async def health() -> dict[str, str]:
        """The process is up."""
        return {"status": "up"}

    @app.get("/ready", responses={OVERLOADED: {"description": "About to end."}})
    async def ready() -> Response:
        """Bundles are loaded and tested, and requests are taken on."""
        return JSONResponse({"ready": not service.stopping}, OVERLOADED if service.stopping else 200)

    @app.get("/metrics")
    async def metrics() -> Response:
        """Counters for Prometheus."""
        return Response(service.metrics_page(), media_type=CONTENT_TYPE_LATEST)

    return app
