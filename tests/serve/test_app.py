"""What a client of a server sees."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families

from compressor import runtime
from compressor.runtime.outputs import Ragged
from compressor.serve.options import Options
from compressor.serve.service import Service
from tests import tiny
from tests.runtime import bundles
from tests.serve.support import Gate, ask, gated, models

TEXTS = [text for text, _ in tiny.reviews(5)] + ["", 'a, "quoted" film', "été 映画"]


def expected(folder: Path, *texts: Any, variant: str | None = None) -> list[dict[str, Any]]:
    return [answer.to_dict() for answer in runtime.load(folder, variant=variant).predict(texts)]


@pytest.mark.parametrize("variant", [None, "fp32"])
@pytest.mark.parametrize("max_batch", [1, 3])
def test_answers_are_those_of_predict(bundle: Path, variant: str | None, max_batch: int) -> None:
    async def talk(client: httpx.AsyncClient, _: Service) -> dict[str, Any]:
        response = await client.post("/predict", json={"inputs": TEXTS})
        assert response.status_code == 200
        content: dict[str, Any] = response.json()
        assert (await client.post("/v1/tiny/predict", json={"inputs": TEXTS})).json() == content
        return content

    found = ask(models(bundle, variant=variant), talk, max_batch=max_batch)
    assert (found["bundle"], found["variant"]) == ("tiny", variant or "int8")
    for answer, right in zip(found["answers"], expected(bundle, *TEXTS, variant=variant), strict=True):
        if max_batch == 1:
            assert answer == right
        assert answer["scores"] == pytest.approx(right["scores"], abs=1e-5)


def test_inputs_may_be_texts_by_role(bundle: Path, pairs_bundle: Path) -> None:
    pair = {"text": "good", "text_pair": "a dull film"}

    async def talk(client: httpx.AsyncClient, _: Service) -> None:
        named = await client.post("/v1/tiny/predict", json={"inputs": [{"text": "good"}, "good"]})
        assert named.json()["answers"] == expected(bundle, "good") * 2
        paired = await client.post("/v1/pairs/predict", json={"inputs": [pair]})
        assert paired.json()["answers"] == expected(pairs_bundle, pair)

    ask(models(bundle, f"pairs={pairs_bundle}"), talk)


def test_a_threshold_is_told_and_answers_say_whether_they_are_unsure(bundle: Path, tmp_path: Path) -> None:
    unsure = bundles.unsure_below(bundle, tmp_path, 1.0)

    async def talk(client: httpx.AsyncClient, _: Service) -> None:
        told = {one["name"]: one for one in (await client.get("/v1/models")).json()["models"]}
        assert told["careful"]["unsure_below"] == 1.0 and "unsure_below" not in told["tiny"]
        careful = (await client.post("/v1/careful/predict", json={"inputs": TEXTS})).json()["answers"]
        assert careful == [{**answer, "unsure": True} for answer in expected(bundle, *TEXTS)]

    ask(models(bundle, f"careful={unsure}"), talk, max_batch=1)


def test_several_bundles_are_told_apart(bundle: Path, pairs_bundle: Path) -> None:
    async def talk(client: httpx.AsyncClient, _: Service) -> None:
        told = (await client.get("/v1/models")).json()["models"]
        assert [(one["name"], one["variant"], one["roles"]) for one in told] == [
            ("tiny", "int8", ["text"]),
            ("pairs", "int8", ["text", "text_pair"]),
        ]
        assert told[0]["task"] == "text-classification" and told[0]["labels"] == ["bad", "good"]
        assert (await client.post("/predict", json={"inputs": []})).status_code == 404, "which one isn't clear"
        unknown = await client.post("/v1/other/predict", json={"inputs": []})
        assert unknown.status_code == 404 and "tiny, pairs" in unknown.json()["detail"]

    ask(models(bundle, f"pairs={pairs_bundle}"), talk)


REFUSED = [
    (b"{oops", 422, "not valid JSON"),
    (b"\xff\xfe", 422, "not UTF-8"),
    (b"[" * 500 + b"]" * 500, 422, "nested too deeply"),
    (b"[" * 2000, 422, "nested too deeply"),
    (b"[1]", 422, "must be"),
    (b'{"inputs": "good"}', 422, "must be"),
    (b'{"inputs": ["good"], "top": 3}', 422, "nothing else"),
    (b'{"inputs": ["good", 3]}', 422, "inputs[1]: the text is not a text"),
    (b'{"inputs": [{"txt": "good"}]}', 422, "unknown txt; known are: text."),
    (b'{"inputs": [{}]}', 422, "not a text"),
    (b'{"inputs": ["\\ud800"]}', 422, "half a character"),
    (b'{"inputs": ["a", {"text": "a", "text_pair": "b"}]}', 422, "inputs[1] has an unknown text_pair"),
    (json.dumps({"inputs": ["a"] * 9}).encode(), 413, "9 texts; 8 are taken"),
    (json.dumps({"inputs": ["a" * 101]}).encode(), 413, "101 characters; 100 are taken"),
    (b" " * 3000, 413, "larger than 2,048 bytes"),
]
LIMITS: dict[str, Any] = {"max_texts": 8, "max_characters": 100, "max_body_kb": 2}


def test_what_cannot_be_answered_is_refused_in_words(bundle: Path) -> None:
    async def talk(client: httpx.AsyncClient, _: Service) -> None:
        for body, status, words in REFUSED:
            response = await client.post("/predict", content=body)
            assert (response.status_code, words in response.json()["detail"]) == (status, True), response.text

    ask(models(bundle), talk, **LIMITS)


def test_a_bundle_of_pairs_says_what_it_reads(pairs_bundle: Path) -> None:
    async def talk(client: httpx.AsyncClient, _: Service) -> None:
        response = await client.post("/predict", json={"inputs": ["good"]})
        assert response.status_code == 422
        assert '{"text": "...", "text_pair": "..."}' in response.json()["detail"]

    ask(models(pairs_bundle), talk)


def test_a_body_without_a_length_is_read_no_further_than_the_limit(bundle: Path) -> None:
    sent = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal sent
        while sent < 100_000:
            sent += 1000
            yield b" " * 1000

    async def talk(client: httpx.AsyncClient, _: Service) -> None:
        assert (await client.post("/predict", content=endless())).status_code == 413

    ask(models(bundle), talk, **LIMITS)
    assert sent <= 4000


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text() | st.just("text"), inner, max_size=3),
    max_leaves=12,
)
BODIES = (
    st.binary(max_size=200)
    | ANYTHING.map(lambda value: json.dumps(value).encode())
    | st.lists(ANYTHING, max_size=4).map(lambda value: json.dumps({"inputs": value}).encode())
)


def test_no_body_makes_the_server_fail(bundle: Path) -> None:
    found = models(bundle)

    @given(BODIES)
    def never_500(body: bytes) -> None:
        async def talk(client: httpx.AsyncClient, _: Service) -> int:
            response = await client.post("/predict", content=body)
            response.json()
            return response.status_code

        assert ask(found, talk) in (200, 413, 422)

    never_500()


def test_overload_is_refused_and_ends_when_the_load_does(bundle: Path) -> None:
    gate = Gate(open_=False)

    async def talk(client: httpx.AsyncClient, service: Service) -> None:
        first = asyncio.create_task(client.post("/predict", json={"inputs": ["a"]}))
        await gate.begun()
        asked = [asyncio.create_task(client.post("/predict", json={"inputs": ["b"]})) for _ in range(10)]
        done, waiting = await asyncio.wait(asked, timeout=60, return_when=asyncio.FIRST_COMPLETED)
        while len(done) < 6:
            done, waiting = await asyncio.wait(asked, timeout=0.01)
        refused = [task.result() for task in done]
        assert {(one.status_code, one.headers["retry-after"]) for one in refused} == {(503, "1")}
        assert all("Overloaded: 4 texts are waiting" in one.json()["detail"] for one in refused)
        assert (await client.get("/health")).status_code == 200, "the event loop isn't blocked"
        assert 'compressor_queue_texts{bundle="tiny"} 4.0' in (await client.get("/metrics")).text
        gate.open()
        assert [task.result().status_code for task in (await asyncio.wait([first, *waiting]))[0]] == [200] * 5
        assert (await client.post("/predict", json={"inputs": ["c"]})).json()["answers"] == ["c"]
        assert not service.busy

    ask([gated(bundle, gate)], talk, queue=4)


def test_a_model_that_fails_is_told_and_does_not_end_the_server(bundle: Path) -> None:
    async def talk(client: httpx.AsyncClient, _: Service) -> None:
        assert (await client.post("/predict", json={"inputs": ["poison"]})).status_code == 500
        assert (await client.post("/predict", json={"inputs": ["a"]})).status_code == 200
        assert 'compressor_requests_total{bundle="tiny",status="500"} 1.0' in (await client.get("/metrics")).text

    ask([gated(bundle, Gate())], talk)


def test_an_answer_that_is_no_number_is_an_error_in_words(bundle: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (model,) = models(bundle)
    nothing = {"logits": Ragged(np.full((1, 2), np.nan))}
    monkeypatch.setattr(model.bundle, "compute", lambda encoded, batch_size: nothing)

    async def talk(client: httpx.AsyncClient, _: Service) -> None:
        response = await client.post("/predict", json={"inputs": ["a"]})
        assert response.status_code == 500 and "NaN" in response.json()["detail"]

    ask([model], talk)


def test_metrics_count_requests_texts_and_batches(bundle: Path) -> None:
    async def talk(client: httpx.AsyncClient, _: Service) -> str:
        for inputs in (["a", "b"], ["c"], [3]):
            await client.post("/predict", json={"inputs": inputs})
        return (await client.get("/metrics")).text

    page = ask(models(bundle), talk, max_batch=2)
    found = {
        (sample.name, sample.labels.get("status", sample.labels.get("le", ""))): sample.value
        for family in text_string_to_metric_families(page)
        for sample in family.samples
    }
    assert found["compressor_requests_total", "200"] == 2
    assert found["compressor_requests_total", "422"] == 1
    assert found["compressor_texts_total", ""] == 3
    assert (found["compressor_batch_texts_count", ""], found["compressor_batch_texts_bucket", "1.0"]) == (2, 1)
    assert found["compressor_request_seconds_count", ""] == 2, "refusals aren't answers"
    assert found["compressor_waiting_seconds_count", ""] == 3
    assert found["compressor_queue_texts", ""] == 0


def test_a_server_that_stops_is_up_but_not_ready(bundle: Path) -> None:
    async def talk(client: httpx.AsyncClient, service: Service) -> None:
        assert (await client.get("/ready")).status_code == 200
        service.stopping = True
        assert (await client.get("/ready")).status_code == 503
        assert (await client.get("/health")).status_code == 200
        refused = await client.post("/predict", json={"inputs": ["a"]})
        assert (refused.status_code, refused.headers["retry-after"]) == (503, "1")

    ask(models(bundle), talk)


def test_the_description_is_there_and_nothing_is_loaded_from_elsewhere(bundle: Path) -> None:
    async def talk(client: httpx.AsyncClient, _: Service) -> None:
        described = (await client.get("/openapi.json")).json()
        assert set(described["paths"]) == {
            "/v1/{bundle}/predict",
            "/predict",
            "/v1/models",
            "/health",
            "/ready",
            "/metrics",
        }
        body = described["paths"]["/predict"]["post"]["requestBody"]["content"]["application/json"]["schema"]
        assert (await client.post("/predict", json=body["example"])).status_code == 200
        assert [(await client.get(page)).status_code for page in ("/docs", "/redoc")] == [404, 404]

    ask(models(bundle), talk)


def test_options_and_metrics_that_are_told_are_those_that_are_there(bundle: Path) -> None:
    page = (Path(__file__).resolve().parents[2] / "docs" / "serving.md").read_text(encoding="utf-8")

    async def talk(client: httpx.AsyncClient, _: Service) -> str:
        await client.post("/predict", json={"inputs": ["a"]})
        return (await client.get("/metrics")).text

    rows = dict(re.findall(r"^\| `--([\w-]+)` \| ([^|]+) \|", page, re.MULTILINE))
    for name, value in vars(Options()).items():
        assert rows[name.replace("_", "-")].strip() == f"{value:g}", name
    named = {name.removesuffix("_total") for name in re.findall(r"^\| `(compressor_\w+)` ", page, re.MULTILINE)}
    served = {family.name for family in text_string_to_metric_families(ask(models(bundle), talk))}
    assert named == {name for name in served if name.startswith("compressor_") and not name.endswith("_created")}
