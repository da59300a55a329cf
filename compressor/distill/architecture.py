"""How deep and wide a model is, whatever its architecture calls these numbers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from optimum.utils import NormalizedConfigManager

__all__ = ["Layout", "layer_count_name"]


@dataclass(frozen=True)
class Layout:
    """Depth and width of an encoder or decoder."""

    layers: int
    hidden_size: int

    @classmethod
    def of(cls, config: Any) -> Layout:
        """Read them from a `PreTrainedConfig`."""
        normalized = _normalized(config)
        if normalized is None:
            return cls(config.num_hidden_layers, config.hidden_size)
        return cls(normalized.num_layers, normalized.hidden_size)


def layer_count_name(config: Any) -> str:
    """Name of the attribute that holds the number of layers: `num_hidden_layers`, `n_layer`, `n_layers` ..."""
    normalized = _normalized(config)
    return "num_hidden_layers" if normalized is None else str(normalized.NUM_LAYERS)


def _normalized(config: Any) -> Any | None:
    """Optimum's view of the config; None for an architecture it has no names for."""
    try:
        return NormalizedConfigManager.get_normalized_config_class(config.model_type)(config)
    except KeyError:
        return None
