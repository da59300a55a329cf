"""Replace words by what a masked language model expects in their place."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field

from compressor.data.augment.base import AugmentationConfig, Change, Share
from compressor.errors import StageError
from compressor.recipe.augment import ModelAugmentationSection

__all__ = ["COMPONENT", "MaskedModel"]

_FILLING = ("MaskedLM", "PreTraining", "LMHead")
"""In the names of classes whose checkpoints hold a head for masked words."""


class MaskedModel(AugmentationConfig, ModelAugmentationSection):
    """Words are masked, and each is drawn anew from the model's likeliest ones.

    Source: TinyBERT, Jiao 2019, algorithm 1 (arXiv 1909.10351); there `share` is 0.4 and `top_k` 15.
    """

    kind: Literal["masked-model"] = Field(description="Replace words by what a masked language model expects there.")
    model: str = Field(
        description="A masked language model: hub id, folder, or `wheel://name==version/path/of/the/folder`."
    )
    share: Share = Field(0.15, description="How likely each word is replaced; one always is, unless it is 0.")
    top_k: Annotated[int, Field(ge=1)] = Field(15, description="Draw from this many of the likeliest words.")

    def unfit(self, config: Mapping[str, Any]) -> str | None:
        from transformers.models.auto.modeling_auto import MODEL_FOR_MASKED_LM_MAPPING_NAMES

        if self.trust_remote_code and "auto_map" in config:
            return None
        if config.get("model_type") not in MODEL_FOR_MASKED_LM_MAPPING_NAMES:
            return f"fills in no masked words: its architecture is {config.get('model_type')!r}"
        heads = [str(name) for name in config.get("architectures") or ()]
        if heads and not any(filling in name for filling in _FILLING for name in heads):
            return f"fills in no masked words: its checkpoint is a {heads[0]}"
        return None

    @property
    def keeps_words(self) -> bool:
        return True

    def build(self, model: Path | None) -> Change:
        from compressor.data.masked_words import MaskedWords

        if model is None:
            raise StageError(f"masked-model needs the model {self.model}, which wasn't fetched.")
        return MaskedWords(model, share=self.share, top_k=self.top_k, trust_remote_code=self.trust_remote_code)


COMPONENT = MaskedModel
