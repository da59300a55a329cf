"""How deep and wide a model is, whatever its architecture calls these numbers."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from optimum.utils import NormalizedConfigManager

__all__ = ["Layout", "activation_names", "feed_forward_size", "head_count_name", "layer_count_name"]

_ACTIVATIONS = ("hidden_act", "hidden_activation", "activation_function", "activation")
_FEED_FORWARD = ("intermediate_size", "hidden_dim", "n_inner", "ffn_dim")
"""What architectures call these; the first two of each are the most common."""


@dataclass(frozen=True)
class Layout:
    """Depth and width of an encoder or decoder. Two are equal when both of these are."""

    layers: int
    hidden_size: int
    architecture: str = field(default="", compare=False)
    """As `config.json` names it (`model_type`)."""
    heads: int | None = field(default=None, compare=False)
    head_size: int | None = field(default=None, compare=False)
    """Width of an attention head where `config.json` sets it; None where it is `hidden_size / heads`."""
    activation: str | None = field(default=None, compare=False)
    """The function between the two matrices of the feed-forward layers; None where `config.json` names none."""

    @classmethod
    def of(cls, config: Any) -> Layout:
        """Read them from a `PreTrainedConfig`."""
        normalized = _normalized(config)
        layers, width = (
            (config.num_hidden_layers, config.hidden_size)
            if normalized is None
            else (normalized.num_layers, normalized.hidden_size)
        )
        names = activation_names(config)
        return cls(
            layers,
            width,
            architecture=config.model_type,
            heads=getattr(config, head_count_name(config), None),
            head_size=getattr(config, "head_dim", None),
            activation=getattr(config, names[0]) if names else None,
        )


def layer_count_name(config: Any) -> str:
    """Name of the attribute that holds the number of layers: `num_hidden_layers`, `n_layer`, `n_layers` ..."""
    normalized = _normalized(config)
    return "num_hidden_layers" if normalized is None else str(normalized.NUM_LAYERS)


def head_count_name(config: Any) -> str:
    """Name of the attribute that holds the number of attention heads."""
    normalized = _normalized(config)
    return str(getattr(normalized, "NUM_ATTENTION_HEADS", "num_attention_heads"))


def activation_names(config: Any) -> tuple[str, ...]:
    """Names of the attributes that choose the activation of the feed-forward layers; none for some architectures."""
    return tuple(name for name in _ACTIVATIONS if isinstance(getattr(config, name, None), str))


def feed_forward_size(config: Any) -> tuple[str, int] | None:
    """Name and value of the attribute that holds the number of neurons of a feed-forward layer; None without one."""
    name = next((name for name in _FEED_FORWARD if hasattr(config, name)), None)
    if name is None:
        return None
    # GPT-2 leaves it out where it is four times the width.
    size = getattr(config, name) or 4 * Layout.of(config).hidden_size
    return (name, size) if isinstance(size, int) else None


def _normalized(config: Any) -> Any | None:
    """Optimum's view of the config; None for an architecture it has no names for."""
    try:
        return NormalizedConfigManager.get_normalized_config_class(config.model_type)(config)
    except KeyError:
        return None
