"""A text as the mean of its tokens' vectors: no layers, no positions, no attention, and so microseconds an answer.

Source: the deep averaging network of Iyyer et al. 2015, with the vectors of model2vec (Tulkens and van Dongen 2024).
"""

from __future__ import annotations

from typing import Any

import torch
from torch import nn
from transformers import PreTrainedConfig, PreTrainedModel
from transformers.modeling_outputs import BaseModelOutput, SequenceClassifierOutput

__all__ = ["StaticEmbeddingsConfig", "StaticEmbeddingsForSequenceClassification", "StaticEmbeddingsModel"]


class StaticEmbeddingsConfig(PreTrainedConfig):  # type: ignore[misc]  # transformers is untyped to mypy
    """What `config.json` says of such a model."""

    model_type = "static-embeddings"

    vocab_size: int = 30_522
    hidden_size: int = 128
    """Width of the tokens' vectors."""
    classifier_hidden_size: int = 128
    """Neurons between the mean and the logits."""
    hidden_dropout_prob: float = 0.1
    layer_norm_eps: float = 1e-12
    initializer_range: float = 0.02
    pad_token_id: int | None = 0

    @property
    def num_hidden_layers(self) -> int:
        """None: what asks for the depth of a model asks by this name."""
        return 0


class _StaticEmbeddings(PreTrainedModel):  # type: ignore[misc]  # transformers is untyped to mypy
    config_class = StaticEmbeddingsConfig
    base_model_prefix = "static"


class StaticEmbeddingsModel(_StaticEmbeddings):
    """The table alone: each token's vector, whatever stands beside it.

    How much a token counts in the mean is part of its vector, its length. So there is no second table, and the plain
    mean of a sentence embedding's tokens is a weighted one.
    """

    def __init__(self, config: StaticEmbeddingsConfig) -> None:
        super().__init__(config)
        self.embed_tokens = nn.Embedding(config.vocab_size, config.hidden_size)
        self.post_init()

    def forward(
        self, input_ids: torch.Tensor, attention_mask: torch.Tensor | None = None, **unused: Any
    ) -> BaseModelOutput:
        """`last_hidden_state` [batch, sequence, hidden]; 0 where `attention_mask` [batch, sequence] says padding."""
        vectors = self.embed_tokens(input_ids)
        if attention_mask is not None:
            vectors = vectors * attention_mask.unsqueeze(-1).to(vectors.dtype)
        return BaseModelOutput(last_hidden_state=vectors)


class StaticEmbeddingsForSequenceClassification(_StaticEmbeddings):
    """The normalized mean of the tokens' vectors, one hidden layer and the logits."""

    def __init__(self, config: StaticEmbeddingsConfig) -> None:
        super().__init__(config)
        self.static = StaticEmbeddingsModel(config)
        self.norm = nn.LayerNorm(config.hidden_size, eps=config.layer_norm_eps)
        self.dropout = nn.Dropout(config.hidden_dropout_prob)
        self.dense = nn.Linear(config.hidden_size, config.classifier_hidden_size)
        self.classifier = nn.Linear(config.classifier_hidden_size, config.num_labels)
        self.post_init()

    def forward(
        self,
        input_ids: torch.Tensor,
        attention_mask: torch.Tensor | None = None,
        labels: torch.Tensor | None = None,
        **unused: Any,
    ) -> SequenceClassifierOutput:
        """`logits` [batch, labels] of `input_ids` [batch, sequence], and with labels their loss.

        The vectors are summed, by one matrix product with the mask: the layer normalization makes no difference
        between the sum and the mean.
        """
        vectors = self.static(input_ids).last_hidden_state
        mask = torch.ones_like(input_ids) if attention_mask is None else attention_mask
        total = (mask.unsqueeze(1).to(vectors.dtype) @ vectors).squeeze(1)
        hidden = self.dense(self.dropout(self.norm(total))).relu()
        logits = self.classifier(self.dropout(hidden))
        loss = None
        if labels is not None:
            loss = self.loss_function(labels=labels, pooled_logits=logits, config=self.config)
        return SequenceClassifierOutput(loss=loss, logits=logits)
