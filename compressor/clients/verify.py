"""The golden check with another program's answers."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from compressor.clients import c, csharp, node, optimum, sentence_transformers, web, webgpu
from compressor.clients.answered import Answered, agrees
from compressor.clients.program import Reply, Request
from compressor.clients.request import AskedRow, asked_rows, make_request
from compressor.errors import BundleError, VerificationFailed
from compressor.runtime import Bundle, Encoder, Verification
from compressor.runtime.tasks import runtime_task
from compressor.runtime.verify import largest_difference, sealed, shown

__all__ = ["CLIENTS", "ClientVerification", "verify_in"]

Tokens = Mapping[str, Any]
"""`input_ids`, and `token_type_ids` where the client has them."""
Ask = Callable[[Path, Request, Path | None, Path], Reply]

CLIENTS: Mapping[str, Ask] = {
    "node": node.ask,
    "web": web.ask,
    "webgpu": webgpu.ask,
    "c": c.ask,
    "csharp": csharp.ask,
    "optimum": optimum.ask,
    "sentence-transformers": sentence_transformers.ask,
}
"""By name: a function of the bundle, the request, where the client is installed, and a folder to work in."""


@dataclass(frozen=True)
class ClientVerification(Verification):
    """What was checked in a client."""

    client: str
    versions: dict[str, str]
    rows: int
    """Rows of tokens asked: one a text, or one a window of a long one."""
    tokenized: int
    """Rows that the client made of the texts itself, as they were sealed; the others it was given."""
    pipelines: int
    """Answers of the client's own pipelines that agree with its outputs, over all variants."""


def verify_in(client: str, folder: Path | str, path: Path | None = None) -> ClientVerification:
    """Check the digest of every file, then have a client answer `golden.json` with every variant.

    Compared are the tokens it makes of the texts, its outputs as `verify` does, and its pipeline's answers with what
    the runtime makes of the same outputs.

    Args:
        client: one of `CLIENTS`.
        path: where the client is installed; left out, where one would look for it.

    Raises:
        VerificationFailed: naming every file that differs, or the first text that is answered otherwise.
        BundleError: not a bundle.
        TargetUnavailable: what the client needs isn't here.
    """
    folder = Path(folder)
    manifest, golden = sealed(folder)
    encoder = Encoder.from_folder(folder, manifest.max_length)
    names = [output.name for output in runtime_task(manifest.task).spec.outputs]
    unanswered = Bundle(manifest, encoder, Answered(names))
    rows = asked_rows(unanswered, golden.examples)
    with tempfile.TemporaryDirectory(prefix="compressor-client-", ignore_cleanup_errors=True) as work:
        request = make_request(unanswered, rows)
        reply = CLIENTS[client](folder.resolve(), request, path and path.resolve(), Path(work).resolve())
    _check_tokens(client, rows, reply["tokens"])
    worst, pipelines = {}, 0
    for variant in manifest.variants:
        found = reply["variants"][variant]
        if "error" in found:
            raise VerificationFailed(
                f"In {client}: the variant {variant} can't be opened or computed: {found['error']}"
            )
        model = Answered(names, rows, found["outputs"])
        bundle = Bundle(manifest, encoder, model)
        try:
            worst[variant] = largest_difference(bundle, variant, golden)
        except VerificationFailed as error:
            hint = _cause(rows, reply["tokens"]) or error.hint
            raise VerificationFailed(f"In {client}: {error.message}", hint=hint) from error
        pipelines += _check_pipeline(variant, bundle, model, rows, found["answers"])
    return ClientVerification(
        files=len(manifest.files),
        texts=len(golden.examples),
        variants=worst,
        tolerances=golden.tolerances,
        client=client,
        versions=dict(reply["versions"]),
        rows=len(rows),
        tokenized=sum(tokens is not None for tokens in reply["tokens"]),
        pipelines=pipelines,
    )


def _check_tokens(client: str, rows: Sequence[AskedRow], tokens: Sequence[Tokens | None]) -> None:
    for row, given in zip(rows, tokens, strict=True):
        own = row.input_ids if given is None else given["input_ids"]
        if own != row.input_ids:
            raise VerificationFailed(
                f"In {client}: {shown(_texts(row))} becomes the tokens {own[:12]} ({len(own)}); the model was trained "
                f"with {row.input_ids[:12]} ({len(row.input_ids)}).",
                hint="This client reads the bundle's tokenizer otherwise: tokenize elsewhere and give it the tokens.",
            )


def _cause(rows: Sequence[AskedRow], tokens: Sequence[Tokens | None]) -> str | None:
    """Why a client may answer otherwise, where its tokens tell."""
    for row, given in zip(rows, tokens, strict=True):
        if given is not None and (given.get("token_type_ids") or [0] * len(row.input_ids)) != row.token_type_ids:
            return (
                "The client doesn't tell the model which tokens are of the second text (token_type_ids): "
                "transformers.js does so only for tokenizers with a class of their own, such as BertTokenizer. Give it "
                "the tokens."
            )
    return None


def _check_pipeline(
    variant: str, bundle: Bundle, model: Answered, rows: Sequence[AskedRow], answers: Sequence[Any]
) -> int:
    """How many answers were compared."""
    compared = 0
    for row, said in zip(rows, answers, strict=True):
        if said is None or row.texts is None:
            continue
        try:
            texts: Any = dict(zip(bundle.task.spec.text_roles, row.texts, strict=False))
            answer = bundle.predict(texts).to_dict()
        except BundleError as error:
            raise VerificationFailed(f"The variant {variant} gives no answer: {error.message}") from error
        if answer.get("text") == "":  # No pipeline knows the bundle's threshold for "no answer".
            continue
        if not agrees(said, answer, labels=bundle.manifest.labels, outputs=model.outputs(row)):
            raise VerificationFailed(
                f"The variant {variant}: the client's pipeline answers {shown(_texts(row))} with {said}; of the same "
                f"outputs the runtime makes {answer}.",
                hint="The model computes as it was sealed; the client makes another answer of it.",
            )
        compared += 1
    return compared


def _texts(row: AskedRow) -> dict[str, str]:
    return {str(place): text for place, text in enumerate(row.texts or ())}
