"""A bundle that is served: loaded, tested, and under a name that fits an address."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

from compressor.errors import BundleError, shortened
from compressor.provenance import check_signed
from compressor.runtime import Bundle, Manifest, load, verify

__all__ = ["Model", "load_models"]

Example = dict[str, str]


@dataclass(frozen=True)
class Model:
    """One bundle and the variant of it that answers."""

    name: str
    bundle: Bundle
    variant: str

    def answer(self, examples: Sequence[Example]) -> list[str]:
        """Answers as JSON, all examples computed at once. Called by several threads.

        Raises:
            BundleError: the model can't compute them.
        """
        answers = []
        # A task may answer single texts as well as pairs, but not both at once.
        for _, alike in groupby(examples, key=tuple):
            batch = list(alike)
            answers += [_json(answer.to_dict()) for answer in self.bundle.answer(batch, batch_size=len(batch))]
        return answers

    def describe(self) -> dict[str, Any]:
        """What a client must know."""
        manifest = self.bundle.manifest
        return {
            "name": self.name,
            "task": manifest.task,
            "roles": list(manifest.roles),
            "labels": list(manifest.labels),
            "max_length": manifest.max_length,
            "variant": self.variant,
            "variants": list(manifest.variants),
            **({} if manifest.unsure_below is None else {"unsure_below": manifest.unsure_below}),
        }


def load_models(
    bundles: Sequence[str], *, device: str, threads: int, variant: str | None, verified: bool, key: Path | None = None
) -> list[Model]:
    """Load bundles, and replay the answers that the variant was sealed with.

    Args:
        bundles: folders, or NAME=FOLDER; without a name, the bundle's own.
        key: a file with a public key, whose private half must have signed every one.

    Raises:
        BundleError: one is no bundle, or two have one name, or a name doesn't fit an address.
        VerificationFailed: one doesn't answer as it was sealed, or isn't signed with the key.
        RecipeError: there is no such key; MissingExtra: the extra `sign` isn't installed.
    """
    found: dict[str, Model] = {}
    for given in bundles:
        name, folder = _split(given)
        if key is not None:
            check_signed(folder, key)
        manifest = Manifest.read(folder)
        name, chosen = name or manifest.name, variant or manifest.default
        hint = f"Give it another one: NAME={folder}"
        if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._~-]*", name):
            raise BundleError(f"The name {shortened(name)!r} of {folder} doesn't fit an address.", hint=hint)
        if name in found:
            raise BundleError(f"Two bundles have the name {name!r}.", hint=hint)
        if verified:
            verify(folder, device=device, threads=threads, variant=chosen)
        found[name] = Model(name, load(folder, device=device, threads=threads, variant=chosen), chosen)
    return list(found.values())


def _split(given: str) -> tuple[str, Path]:
    name, separator, folder = given.partition("=")
    return (name, Path(folder)) if separator and not Path(given).exists() else ("", Path(given))


def _json(answer: Mapping[str, Any]) -> str:
    try:
        return json.dumps(answer, ensure_ascii=False, allow_nan=False)
    except ValueError as error:
        raise BundleError("The model's answer holds NaN or infinity, which JSON has no word for.") from error
