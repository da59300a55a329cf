"""Project the weights of an encoder into a basis of its hidden states."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedModel

    from compressor.distill.signals import Batch

__all__ = ["Attention", "Head", "NormFit", "attentions", "narrow_attention", "norm_states", "states_moment"]

_PARTS = (
    ("attention.self.query", "attention.self.key", "attention.self.value", "attention.output.dense"),
    ("attention.q_lin", "attention.k_lin", "attention.v_lin", "attention.out_lin"),
    ("attention.attn.q", "attention.attn.k", "attention.attn.v", "attention.attn.o"),
)
"""What the matrices of an attention are called: by BERT, RoBERTa and ELECTRA; by DistilBERT; by MPNet."""


@dataclass(frozen=True)
class Attention:
    """Names of the four linear maps of one layer's attention."""

    query: str
    key: str
    value: str
    output: str

    @property
    def names(self) -> tuple[str, ...]:
        return (self.query, self.key, self.value, self.output)


def attentions(model: PreTrainedModel) -> list[Attention]:
    """The attention of each layer, in order."""
    found = []
    for name, _ in model.named_modules():
        for parts in _PARTS:
            if name.endswith(f".{parts[0]}"):
                layer = name.removesuffix(parts[0])
                found.append(Attention(*(layer + part for part in parts)))
    return found


def narrow_attention(
    model: PreTrainedModel, attention: Attention, basis: torch.Tensor, heads: int
) -> dict[str, torch.Tensor]:
    """The four maps between states in `basis` [hidden, size], with heads of width `size / heads`: name -> weight.

    A head uses its maps in two products only, `query^T key` and `output value`. Each is projected into the basis and
    replaced by its best approximation of the new, lower rank, by singular values. The key's bias adds the same to all
    scores of a token, and softmax forgets it; the value's bias passes through, since attention sums to 1.
    """
    import torch

    size = basis.shape[1]
    width, new_width = len(basis) // heads, size // heads
    query, key, value, output = (model.get_submodule(name) for name in attention.names)
    found: dict[str, list[torch.Tensor]] = {"query": [], "bias": [], "key": [], "value": [], "output": []}
    for head in range(heads):
        rows = slice(head * width, (head + 1) * width)
        asks = torch.column_stack([query.weight[rows] @ basis, query.bias[rows]])
        left, right = _halves(asks.T @ (key.weight[rows] @ basis), new_width)
        # The new model divides scores by the root of its own width.
        scale = (new_width / width) ** 0.25
        found["query"].append(scale * left[:-1].T)
        found["bias"].append(scale * left[-1])
        found["key"].append(scale * right)
        left, right = _halves(basis.T @ output.weight[:, rows] @ (value.weight[rows] @ basis), new_width)
        found["output"].append(left)
        found["value"].append(right)
    zeros = torch.zeros(size)
    return {
        f"{attention.query}.weight": torch.cat(found["query"]),
        f"{attention.query}.bias": torch.cat(found["bias"]),
        f"{attention.key}.weight": torch.cat(found["key"]),
        f"{attention.key}.bias": zeros,
        f"{attention.value}.weight": torch.cat(found["value"]),
        f"{attention.value}.bias": zeros,
        f"{attention.output}.weight": torch.cat(found["output"], dim=1),
        f"{attention.output}.bias": basis.T @ (output.bias + output.weight @ value.bias),
    }


def _halves(product: torch.Tensor, rank: int) -> tuple[torch.Tensor, torch.Tensor]:
    """The best approximation of a matrix by `left @ right` of this rank, both of one size."""
    import torch

    left, values, right = torch.linalg.svd(product, full_matrices=False)
    root = values[:rank].sqrt()
    return left[:, :rank] * root, root[:, None] * right[:rank]


class NormFit:
    """Gain and bias of one layer normalization in the narrow basis, by least squares for each coordinate.

    What it should give is the old normalization's output in the basis; what it works on is the old one's input in the
    basis, normalized there.
    """

    def __init__(self, size: int) -> None:
        import torch

        self._sums = torch.zeros(4, size, dtype=torch.float64)
        self._count = 0

    def see(self, before: torch.Tensor, after: torch.Tensor, basis: torch.Tensor) -> None:
        """Take note of inputs and outputs of the old normalization [tokens, hidden]."""
        import torch

        narrow = before @ basis
        given = torch.nn.functional.layer_norm(narrow, narrow.shape[-1:]).double()
        wanted = (after @ basis).double()
        self._sums += torch.stack([given.sum(0), wanted.sum(0), (given * given).sum(0), (given * wanted).sum(0)])
        self._count += len(before)

    def gain_and_bias(self) -> tuple[torch.Tensor, torch.Tensor]:
        given, wanted, squares, products = self._sums / self._count
        gain = (products - given * wanted) / (squares - given * given).clamp(min=1e-9)
        return gain.float(), (wanted - gain * given).float()


def norm_states(
    model: PreTrainedModel, norms: Sequence[str], batch: Batch
) -> dict[str, tuple[torch.Tensor, torch.Tensor]]:
    """What layer normalizations read and give on a batch, padding left out: name -> two of [tokens, hidden]."""
    import torch

    from compressor.distill.outputs import model_inputs

    seen: dict[str, tuple[torch.Tensor, torch.Tensor]] = {}
    attended = batch["attention_mask"].bool()

    def hook(name: str) -> Any:
        def keep(module: Any, inputs: Any, output: torch.Tensor) -> None:
            seen[name] = (inputs[0][attended], output[attended])

        return keep

    handles = [model.get_submodule(name).register_forward_hook(hook(name)) for name in norms]
    try:
        with torch.no_grad():
            model(**model_inputs(model, batch))
    finally:
        for handle in handles:
            handle.remove()
    return seen


def states_moment(model: PreTrainedModel, norms: Sequence[str], batches: Sequence[Batch]) -> torch.Tensor:
    """Second moments `E[x x^T]` [hidden, hidden] of what the normalizations give, each counting as much."""
    import torch

    sums: dict[str, Any] = {}
    for batch in batches:
        for name, (_, states) in norm_states(model, norms, batch).items():
            sums[name] = sums.get(name, 0) + (states.T @ states).double()
    return torch.stack([moment / moment.trace() for moment in sums.values()]).sum(dim=0)


@dataclass(frozen=True)
class Head:
    """The dense layer before the outputs, where there is one: its units are no hidden states, and some are kept."""

    dense: str | None
    reader: str | None
    units: torch.Tensor

    @classmethod
    def of(cls, model: PreTrainedModel, axes: Mapping[str, tuple[int, ...]], size: int) -> Head:
        """
        Args:
            axes: name of each weight that changes its shape -> the axes that change; those of attention left out.
            size: how many units are kept: those whose outgoing weights are largest.
        """
        import torch

        changed = {
            name: axes[f"{name}.weight"]
            for name, module in model.named_modules()
            if isinstance(module, torch.nn.Linear) and f"{name}.weight" in axes
        }
        dense = next((name for name, both in changed.items() if both == (0, 1)), None)
        if dense is None:
            return cls(None, None, torch.arange(size))
        body = {name for name, _ in model.base_model.named_modules(prefix=model.base_model_prefix)}
        outside = model.base_model is not model
        reader = next((name for name, one in changed.items() if one == (1,) and outside and name not in body), None)
        weighed = model.get_submodule(dense).weight.norm(dim=1)
        if reader is not None:
            weighed = model.get_submodule(reader).weight.norm(dim=0)
        return cls(dense, reader, weighed.topk(size).indices.sort().values)
