"""What several teachers say together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import torch

from compressor.data import load_output_names, load_split, targets_of
from compressor.distill.alignment import Alignment, settings_of
from compressor.distill.likelihood import LIKELIHOODS
from compressor.distill.output_folder import OutputFolder
from compressor.distill.stored import judge_kept, stored_splits
from compressor.errors import StageError
from compressor.events import Events
from compressor.runtime.outputs import Array, Ragged, read_outputs
from compressor.task_specs import OutputSpec
from compressor.tasks.base import Task
from compressor.tasks.models.checkpoint import encoder_of

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

__all__ = ["average_outputs", "best_weights", "mean_of"]

_STEPS = 300
_ROWS_AT_ONCE = 10_000


def average_outputs(
    folders: Sequence[Path],
    *,
    task: Task,
    data: Path,
    texts: Path | None,
    mean: Literal["probabilities", "logits"],
    weights: Literal["equal", "validation"] | Sequence[float],
    tokenizers: Sequence[PreTrainedTokenizerBase],
    max_length: int,
    out: Path,
    events: Events,
    known: Sequence[float] | None = None,
) -> dict[str, Any]:
    """Average what `compute_outputs` wrote for each teacher, and write it as one more teacher's. Outputs at tokens are
    those at the first one's tokens: what another says there is found by the characters that its own stand for.

    Args:
        texts: the folder of texts without labels that the outputs are of; None: those of `data`.
        tokenizers: of every teacher; where outputs are for whole texts, the first one's is enough.
        known: the weights that were found on the validation split, where the outputs are of other texts.

    Returns:
        Metrics on validation and test, number of examples, and `weights`.

    Raises:
        StageError: the teachers part texts too differently, or their outputs are of other texts.
    """
    shares = np.asarray(known if known is not None else _weights(folders, task, data, mean, weights))
    shares = shares / shares.sum()
    facts: dict[str, Any] = {"weights": [round(share, 4) for share in shares.tolist()], "examples": {}}
    for split in stored_splits(folders[0]):
        with TemporaryDirectory(dir=out) as cache:
            alignments = _alignments(task, tokenizers, max_length, Path(cache), events)
            outputs = [
                alignments[number].read(load_split(texts or data, split), folder / split)
                if number in alignments
                else read_outputs(folder / split, mapped=True)
                for number, folder in enumerate(folders)
            ]
            _average([dict(one) for one in outputs], task.spec.outputs, shares, mean, out / split)
        facts["examples"][split], metrics = judge_kept(
            split=split,
            task=task,
            data=data,
            texts=texts,
            out=out,
            encoder=lambda: encoder_of(tokenizers[0], max_length),
        )
        if metrics is not None:
            facts[split] = metrics
    return facts


def _average(
    members: Sequence[Mapping[str, Ragged]], outputs: Sequence[OutputSpec], shares: Any, mean: str, folder: Path
) -> None:
    """Write the means to a folder, some rows at a time: however many there are, memory holds these alone."""
    first = members[0]
    for output in outputs:
        if not all(_alike(first[output.name], member[output.name]) for member in members[1:]):
            raise StageError(
                f"The teachers' {output.name} are of unlike texts, and can't be averaged.",
                hint="Compute the teachers' outputs again.",
            )
    rows = np.arange(len(first[outputs[0].name]))
    counts = {one.name: None if (at := first[one.name].offsets) is None else np.diff(at) for one in outputs}
    files = OutputFolder(folder, rows, counts)
    for output in outputs:
        parts = [member[output.name] for member in members]
        # What is carried over to other tokens knows classes of no probability, whose logits fp16 can't hold.
        exact = output.likelihood == "value" or any(part.values.dtype == np.float32 for part in parts)
        dtype = np.float32 if exact else np.float16
        for start in range(0, max(1, len(rows)), _ROWS_AT_ONCE):
            some = [part.part(start, start + _ROWS_AT_ONCE) for part in parts]
            files.add(output.name, rows[start : start + _ROWS_AT_ONCE], _means(output, some, shares, mean), dtype)
    files.finish()


def _alike(one: Ragged, other: Ragged) -> bool:
    """Whether rows are as many and as long."""
    if one.offsets is None or other.offsets is None:
        return one.offsets is other.offsets and len(one) == len(other)
    return np.array_equal(one.offsets, other.offsets)


def _means(output: OutputSpec, parts: Sequence[Ragged], shares: Any, mean: str) -> list[Array]:
    """A piece a row."""
    if output.per_token and parts[0].values.ndim == 1:  # the tokens of a row are the classes
        return [mean_of(output, _tensors(of_row), shares, mean).numpy() for of_row in zip(*parts, strict=True)]
    values = mean_of(output, _tensors([part.values for part in parts]), shares, mean)
    return list(Ragged(values.numpy(), parts[0].offsets))


def _tensors(parts: Sequence[Array]) -> list[torch.Tensor]:
    return [torch.from_numpy(np.array(part, np.float32)) for part in parts]  # copied: the files are read-only


@dataclass(frozen=True)
class _Member(Alignment):
    """Another member's outputs at the tokens of the first."""

    number: int

    def _too_unlike(self, name: str, share: float) -> StageError:
        return StageError(
            f"{name}: the tokenizers of members 1 and {self.number} part texts too differently: {share:.0%} of the "
            "first one's words or tokens have a counterpart in the other's.",
            hint="Take members whose tokenizers split texts into like words.",
        )

    def _told(self, name: str, share: float) -> str:
        return (
            f"{name}: member {self.number} of the ensemble says something of {share:.1%} of the first one's words or "
            "tokens; the others alone answer for the rest."
        )


def _alignments(
    task: Task, tokenizers: Sequence[PreTrainedTokenizerBase], max_length: int, cache: Path, events: Events
) -> dict[int, _Member]:
    """Place of each member that parts texts otherwise than the first -> how its outputs are read."""
    if not any(output.per_token for output in task.spec.outputs):
        return {}
    first = tokenizers[0]
    return {
        place: _Member(task, other, first, max_length, cache / str(place), events, place + 1)
        for place, other in enumerate(tokenizers)
        if settings_of(other) != settings_of(first)
    }


def mean_of(output: OutputSpec, parts: Sequence[torch.Tensor], shares: Any, mean: str) -> torch.Tensor:
    """The weighted mean as outputs of the same kind: of probabilities their logits again. Where members say nothing
    (NaN) the others share their weight; NaN where none says anything."""
    weights = torch.as_tensor(shares, dtype=torch.float32).reshape(-1, *[1] * parts[0].dim())
    stacked = torch.stack(list(parts))
    if (unknown := stacked.isnan().any(dim=-1, keepdim=True)).any():
        stacked, weights = stacked.nan_to_num(0.0), weights * ~unknown
        weights = weights / weights.sum(dim=0)
    if mean == "probabilities" and output.likelihood == "categorical":
        return torch.logsumexp(torch.log_softmax(stacked, dim=-1) + weights.log(), dim=0)
    if mean == "probabilities" and output.likelihood == "bernoulli":
        share = (torch.sigmoid(stacked) * weights).sum(dim=0)
        return torch.logit(share, eps=1e-6)
    return (stacked * weights).sum(dim=0)


def _weights(
    folders: Sequence[Path],
    task: Task,
    data: Path,
    mean: str,
    weights: Literal["equal", "validation"] | Sequence[float],
) -> Sequence[float]:
    if weights == "equal":
        return [1.0] * len(folders)
    if weights != "validation":
        return weights
    spec = task.spec.outputs[0]
    if spec.per_token or spec.likelihood == "vector":
        raise StageError(
            f"Weights can't be chosen on validation for {task.name}, which answers with more than one label a text.",
            hint="Set `weights: equal`, or numbers.",
        )
    targets = targets_of(load_split(data, "validation"), task)
    names = load_output_names(data, task)
    labels = torch.as_tensor(targets or [task.no_label(names)])
    outputs = [
        torch.from_numpy(np.asarray(read_outputs(folder / "validation")[spec.name].values, np.float32))
        for folder in folders
    ]
    return best_weights(spec, outputs, labels, mean)


def best_weights(spec: OutputSpec, outputs: Sequence[torch.Tensor], labels: torch.Tensor, mean: str) -> list[float]:
    """Shares of the members, found by gradient descent, with which the labels are most likely."""
    raw = torch.zeros(len(outputs), requires_grad=True)
    optimizer = torch.optim.Adam([raw], lr=0.1)
    for _ in range(_STEPS):
        shares = torch.softmax(raw, dim=0)
        loss = LIKELIHOODS[spec.likelihood].loss(mean_of(spec, outputs, shares, mean), labels)
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
    found: list[float] = torch.softmax(raw.detach(), dim=0).tolist()
    return found
