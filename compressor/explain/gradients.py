"""Gradients of a score by the embeddings of a text's tokens. Imported for models in PyTorch only."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from compressor.bench.asked import AskedModel
from compressor.bench.torch_engine import TorchEngine
from compressor.errors import RecipeError
from compressor.explain.methods.base import FloatArray, Stretch
from compressor.runtime.tasks import Example

__all__ = ["TokenGradients"]

BATCH = 8
"""Points at a time: each keeps what every layer computed."""
_ACTIVATIONS: dict[str, Callable[[torch.Tensor], torch.Tensor]] = {
    "categorical": lambda outputs: outputs.softmax(dim=-1),
    "bernoulli": lambda outputs: outputs.sigmoid(),
    "value": lambda outputs: outputs,
}
"""From outputs to what answers hold, by what the outputs' last dimension means."""


class TokenGradients:
    """Of one number of a model's answer to an example, by one of its texts.

    Args:
        role: the text.
        place: of the number in the outputs' last dimension.
    """

    def __init__(self, model: AskedModel, example: Example, role: str, place: int) -> None:
        engine = model.engine
        assert isinstance(engine, TorchEngine)
        self._engine, self._asked, self._example, self._role, self._place = engine, model, example, role, place
        self._activation = _ACTIVATIONS[model.task.spec.outputs[0].likelihood]

    def tokens(self, text: str) -> tuple[FloatArray, list[Stretch]]:
        """Embeddings [tokens, width] before positions are added, and where in the text each token stands."""
        example = {**self._example, self._role: text}
        (row,) = self._asked.task.encode(self._asked.encoder, [example]).rows
        part = [role for role in self._asked.task.spec.text_roles if role in example].index(self._role)
        given = self._inputs(text, 1)["input_ids"]
        with torch.inference_mode():
            embeddings = self._embedding(given)[0].float().cpu().numpy()
        stretches = [offset if of == part else (0, 0) for offset, of in zip(row.offsets, row.parts, strict=True)]
        return embeddings, stretches

    def at(self, text: str, embeddings: FloatArray) -> tuple[FloatArray, FloatArray]:
        """The score [points] and its gradients where the tokens have these embeddings, both [points, tokens, width]."""
        parts = [self._slopes(text, part) for part in np.split(embeddings, range(BATCH, len(embeddings), BATCH))]
        return np.concatenate([scores for scores, _ in parts]), np.concatenate([slopes for _, slopes in parts])

    def _slopes(self, text: str, embeddings: FloatArray) -> tuple[FloatArray, FloatArray]:
        inputs = self._inputs(text, len(embeddings))
        like = self._embedding.weight
        points = torch.tensor(embeddings, dtype=like.dtype, device=like.device, requires_grad=True)
        # The model looks its tokens up as ever, and gets these instead: so whatever it does with their numbers besides
        # (positions behind padding, say) stays right.
        hook = self._embedding.register_forward_hook(lambda *_: points)
        try:
            with torch.enable_grad():
                outputs = self._engine.model(**inputs)[self._asked.task.spec.outputs[0].name]
                scores = self._activation(outputs)[:, self._place]
                (slopes,) = torch.autograd.grad(scores.sum(), points, allow_unused=True)
        finally:
            hook.remove()
        if slopes is None:
            raise RecipeError(
                "This model doesn't compute with the embeddings of its tokens, so it has no gradients by them.",
                hint="Choose the method occlusion.",
            )
        return scores.detach().float().cpu().numpy(), slopes.float().cpu().numpy()

    def _inputs(self, text: str, copies: int) -> dict[str, torch.Tensor]:
        encoded = self._asked.task.encode(self._asked.encoder, [{**self._example, self._role: text}])
        arrays = encoded.inputs(self._asked.encoder)
        return self._engine.on_device({name: array.repeat(copies, axis=0) for name, array in arrays.items()})

    @property
    def _embedding(self) -> Any:
        return self._engine.model.get_input_embeddings()
