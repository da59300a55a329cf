"""Cut the least important heads or feed-forward neurons out of every layer."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from compressor.distill.builders._reshape import changed_axes, empty_model, fill
from compressor.errors import StageError

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedModel

    from compressor.distill.signals import Batch

__all__ = ["Units", "cut"]


@dataclass(frozen=True)
class Units:
    """What is cut out of each layer: how many there are, how many stay, and how their numbers lie in a weight."""

    name: str
    """For messages: `neurons`."""
    count: int
    kept: int
    contiguous: bool
    """Whether the numbers of one unit stand together (a head), or apart: one in each block (gate and value)."""

    def positions(self, units: torch.Tensor, size: int) -> torch.Tensor:
        """Places of these units on an axis of so many numbers."""
        import torch

        if self.contiguous:
            width = size // self.count
            return (units[:, None] * width + torch.arange(width)).flatten()
        return (torch.arange(size // self.count)[:, None] * self.count + units).flatten()

    def fits(self, before: int, after: int) -> bool:
        """Whether an axis of `before` numbers shrinks to `after` by leaving out units."""
        return before % self.count == 0 and before // self.count * self.kept == after


def cut(
    model: PreTrainedModel,
    config: Any,
    units: Units,
    batches: Sequence[Batch],
    loss: Callable[[Batch], torch.Tensor],
) -> PreTrainedModel:
    """A new model for `config`, which has fewer units in each layer: the most important ones of `model`.

    Where they stand is seen from the shapes that change between the two, whatever the architecture calls its weights:
    units are read by matrices whose input axis changes, and each weight belongs to the reader it shares the longest
    part of its name with. That they are the right ones is then checked: the result must answer as `model` does with
    the other units set to zero.

    Raises:
        StageError: this architecture's units can't be cut out.
    """
    made = empty_model(model, config)
    axes = changed_axes(model, made)
    before, after = model.state_dict(), made.state_dict()
    readers = [name for name, module in model.named_modules() if _reads(module, axes.get(f"{name}.weight"))]
    wrong = [
        name
        for name, changed in axes.items()
        for axis in changed
        if len(changed) > 1 or not units.fits(before[name].shape[axis], after[name].shape[axis])
    ]
    if not readers or wrong:
        raise _refused(model, units)
    scores = _importance(model, readers, units, batches, loss)
    kept = {name: score.topk(units.kept).indices.sort().values for name, score in scores.items()}

    def change(name: str, weight: torch.Tensor, shape: tuple[int, ...]) -> torch.Tensor:
        (axis,) = axes[name]
        owner = _owner(name, readers)
        if owner is None:
            raise _refused(model, units)
        return weight.index_select(axis, units.positions(kept[owner], weight.shape[axis]))

    smaller = fill(made, model, change)
    _check(model, smaller, kept, units, batches[0])
    return smaller


def _reads(module: Any, changed: tuple[int, ...] | None) -> bool:
    """Whether a module is a matrix whose input axis is among those that change."""
    import torch
    from transformers.pytorch_utils import Conv1D

    return (isinstance(module, torch.nn.Linear) and changed == (1,)) or (isinstance(module, Conv1D) and changed == (0,))


def _owner(name: str, readers: Sequence[str]) -> str | None:
    """The reader whose name begins most like a weight's; None where several do."""

    def common(reader: str) -> int:
        pairs = zip(name.split("."), reader.split("."), strict=False)
        return next((place for place, (one, other) in enumerate(pairs) if one != other), len(reader.split(".")))

    shared = {reader: common(reader) for reader in readers}
    most = max(shared.values())
    nearest = [reader for reader, length in shared.items() if length == most]
    return nearest[0] if len(nearest) == 1 else None


def _importance(
    model: PreTrainedModel,
    readers: Sequence[str],
    units: Units,
    batches: Sequence[Batch],
    loss: Callable[[Batch], torch.Tensor],
) -> dict[str, torch.Tensor]:
    """For each reader the importance of its units [units]: `sum over examples of |sum over tokens of a * dL/da|`, the
    first-order change of the loss when a unit's activations a are set to zero.

    Sources: Molchanov et al. 2017, section 2.2 (arXiv 1611.06440); for heads Michel et al. 2019, section 4.1 (arXiv
    1905.10650).

    Raises:
        StageError: the loss is NaN or infinite.
    """
    import torch

    scores = {name: torch.zeros(units.count) for name in readers}
    taken: list[tuple[str, torch.Tensor]] = []

    def take(name: str, activation: torch.Tensor) -> torch.Tensor:
        activation.retain_grad()
        taken.append((name, activation))
        return activation

    with _watching(model, readers, take):
        for batch in batches:
            taken.clear()
            loss(batch).backward()  # type: ignore[no-untyped-call]
            for name, activation in taken:
                assert activation.grad is not None
                change = (activation * activation.grad).detach().float()
                # [batch, sequence, numbers], or [tokens, numbers] where a model packs its batch.
                change = change.sum(dim=1) if change.dim() == 3 else change.flatten(0, -2)
                scores[name] += _by_unit(change, units).abs().sum(dim=0)
            model.zero_grad()
    if not all(torch.isfinite(score).all() for score in scores.values()):
        raise StageError(
            f"The importance of {units.name} can't be told: the loss on training texts is NaN or infinite.",
            hint="Look at the model that `student.init` names: it may be damaged.",
        )
    return scores


def _by_unit(change: torch.Tensor, units: Units) -> torch.Tensor:
    """[examples, numbers] -> [examples, units]"""
    if units.contiguous:
        return change.reshape(len(change), units.count, -1).sum(dim=2)
    return change.reshape(len(change), -1, units.count).sum(dim=1)


@contextmanager
def _watching(
    model: PreTrainedModel, readers: Sequence[str], see: Callable[[str, torch.Tensor], torch.Tensor]
) -> Iterator[None]:
    """Inside, what each reader reads goes through `see` first."""

    def hook(name: str) -> Callable[..., Any]:
        return lambda module, inputs: (see(name, inputs[0]), *inputs[1:])

    handles = [model.get_submodule(name).register_forward_pre_hook(hook(name)) for name in readers]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


def _check(
    model: PreTrainedModel, smaller: PreTrainedModel, kept: dict[str, torch.Tensor], units: Units, batch: Batch
) -> None:
    import torch

    from compressor.distill.outputs import model_inputs

    def without_others(name: str, activation: torch.Tensor) -> torch.Tensor:
        mask = torch.zeros(activation.shape[-1])
        mask[units.positions(kept[name], activation.shape[-1])] = 1
        return activation * mask

    with torch.no_grad():
        with _watching(model, list(kept), without_others):
            expected = model(**model_inputs(model, batch))[0]
        found = smaller(**model_inputs(smaller, batch))[0]
    if not torch.allclose(found, expected, atol=1e-4, rtol=1e-4):
        raise _refused(model, units)


def _refused(model: PreTrainedModel, units: Units) -> StageError:
    return StageError(
        f"The {units.name} of a {model.config.model_type} model can't be cut out: its config.json has no way to say "
        "so, or its code ties them together.",
        hint="Leave that option of the builder `prune` out.",
    )
