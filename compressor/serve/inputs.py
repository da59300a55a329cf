"""The body of a request, read within limits, as examples of a bundle."""

from __future__ import annotations

from typing import Any

from starlette.requests import ClientDisconnect, Request

from compressor.errors import BundleError, listed
from compressor.json_file import BadJson, parse_json
from compressor.runtime import Bundle
from compressor.serve.options import Options
from compressor.serve.refused import BAD_INPUT, CLIENT_LEFT, TOO_LARGE, Refused

__all__ = ["SCHEMA", "read_body", "read_examples"]

SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "inputs": {
            "type": "array",
            "items": {"anyOf": [{"type": "string"}, {"type": "object", "additionalProperties": {"type": "string"}}]},
            "description": "Texts; or objects with a text for each role, as `/v1/models` names them.",
        }
    },
    "required": ["inputs"],
    "additionalProperties": False,
    "example": {"inputs": ["a gripping, funny film"]},
}
"""JSON schema of a body, for /openapi.json."""


async def read_body(request: Request, options: Options) -> bytes:
    """All of it, however it is sent.

    Raises:
        Refused: it is larger than `max_body_kb`, or the client has left.
    """
    limit = options.max_body_kb * 1024
    body = bytearray()
    try:
        async for chunk in request.stream():
            body += chunk
            if len(body) > limit:
                raise Refused(TOO_LARGE, f"The request is larger than {limit:,} bytes.")
    except ClientDisconnect as error:
        raise Refused(CLIENT_LEFT, "The client has left.") from error
    return bytes(body)


def read_examples(body: bytes, bundle: Bundle, options: Options) -> list[dict[str, str]]:
    """What `{"inputs": [...]}` asks, a text for each role of the bundle.

    Raises:
        Refused: it isn't that, or holds more or longer texts than are taken.
    """
    try:
        content = parse_json(body)
    except BadJson as error:
        raise Refused(BAD_INPUT, f"The request can't be read: {error}.") from error
    if not isinstance(content, dict) or content.keys() != {"inputs"} or not isinstance(content["inputs"], list):
        raise Refused(BAD_INPUT, 'The request must be {"inputs": [...]} and nothing else.')
    inputs = content["inputs"]
    if len(inputs) > options.max_texts:
        raise Refused(TOO_LARGE, f"The request holds {len(inputs):,} texts; {options.max_texts:,} are taken at once.")
    spec = bundle.task.spec
    roles = spec.text_roles if spec.single_or_pair else bundle.manifest.roles
    for place, given in enumerate(inputs):
        _check(given, f"inputs[{place}]", roles, options.max_characters)
    try:
        return bundle.examples(inputs)
    except BundleError as error:
        shown = ", ".join(f'"{role}": "..."' for role in bundle.manifest.roles)
        raise Refused(BAD_INPUT, error.message, hint=f"An input of this bundle: {{{shown}}}") from error


def _check(given: Any, place: str, roles: tuple[str, ...], longest: int) -> None:
    """That an input is a text or texts by role, none of them too long."""
    texts = given if isinstance(given, dict) else {roles[0]: given}
    if unknown := [role for role in texts if role not in roles]:
        raise Refused(BAD_INPUT, f"{place} has an unknown {listed(unknown)}; known are: {', '.join(roles)}.")
    for role, text in texts.items():
        if not isinstance(text, str):
            raise Refused(BAD_INPUT, f"{place}: the {role} is not a text.")
        if len(text) > longest:
            raise Refused(TOO_LARGE, f"{place}: the {role} has {len(text):,} characters; {longest:,} are taken.")
