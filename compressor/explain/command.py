"""What `compressor explain` does."""

from __future__ import annotations

import time
from pathlib import Path

from compressor.bench.asked import AskedModel
from compressor.bench.placement import Placement
from compressor.bench.subject import roles_of, subjects_from
from compressor.errors import BundleError
from compressor.explain.explanation import explain
from compressor.explain.scores import explained
from compressor.report.explanation import ExplainedText
from compressor.runtime.manifest import MANIFEST, Manifest

__all__ = ["explain_text"]


def explain_text(
    path: Path,
    text: str,
    pair: str | None = None,
    *,
    variant: str | None = None,
    label: str | None = None,
    method: str = "occlusion",
    calls: int | None = None,
    seed: int = 13,
    threads: int = 1,
) -> ExplainedText:
    """Explain the answer of a model to a text.

    Raises:
        BundleError: the model can't be loaded, or reads another number of texts.
        RecipeError: it can't be explained. MissingExtra: the method's library isn't installed.
    """
    chosen = variant or (Manifest.read(path).default if (path / MANIFEST).is_file() else None)
    model = AskedModel(subjects_from(path, [chosen] if chosen else None)[0], Placement(threads=threads))
    texts, roles = [text, *([pair] if pair is not None else [])], roles_of(model.subject)
    if len(texts) != len(roles):
        raise BundleError(
            f"This model reads {' and '.join(roles)}.", hint="Give --pair for the second, or leave it out."
        )
    asked = explained(model, dict(zip(roles, texts, strict=True)), label=label)
    begin = time.perf_counter()
    found = explain(asked.text, asked.score, method=method, calls=calls, seed=seed, gradients=asked.gradients)
    return ExplainedText(
        model=model.name,
        answer=asked.answer,
        what=asked.what,
        pieces=found.pieces,
        score=found.score,
        without_words=found.without_words,
        method=method,
        calls=found.calls,
        seed=seed,
        seconds=time.perf_counter() - begin,
        deletion=found.deletion,
        insertion=found.insertion,
        random=found.random,
    )
