"""What several teachers say together."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import torch

from compressor.data import load_output_names, load_split, targets_of
from compressor.distill.likelihood import LIKELIHOODS
from compressor.distill.stored import keep_outputs, stored_splits
from compressor.errors import StageError
from compressor.runtime.outputs import Ragged, read_outputs
from compressor.task_specs import OutputSpec
from compressor.tasks import load_tokenizer
from compressor.tasks.base import Task
from compressor.tasks.models.checkpoint import encoder_of

__all__ = ["average_outputs", "best_weights", "mean_of"]

_STEPS = 300


def average_outputs(
    folders: Sequence[Path],
    *,
    task: Task,
    data: Path,
    texts: Path | None,
    mean: Literal["probabilities", "logits"],
    weights: Literal["equal", "validation"] | Sequence[float],
    tokenizer: Path,
    max_length: int,
    out: Path,
    known: Sequence[float] | None = None,
) -> dict[str, Any]:
    """Average what `compute_outputs` wrote for each teacher, and write it as one more teacher's.

    Args:
        texts: the folder of texts without labels that the outputs are of; None: those of `data`.
        tokenizer: a model folder with the tokenizer of all of them.
        known: the weights that were found on the validation split, where the outputs are of other texts.

    Returns:
        Metrics on validation and test, number of examples, and `weights`.

    Raises:
        StageError: the teachers cut texts into unlike parts.
    """
    shares = np.asarray(known if known is not None else _weights(folders, task, data, mean, weights))
    shares = shares / shares.sum()
    facts: dict[str, Any] = {"weights": [round(share, 4) for share in shares.tolist()], "examples": {}}
    for split in stored_splits(folders[0]):
        outputs = [read_outputs(folder / split, mapped=True) for folder in folders]
        averaged = {
            output.name: _average(output, [one[output.name] for one in outputs], shares, mean)
            for output in task.spec.outputs
        }
        facts["examples"][split], metrics = keep_outputs(
            averaged,
            split=split,
            task=task,
            data=data,
            texts=texts,
            out=out,
            encoder=lambda: encoder_of(load_tokenizer(tokenizer), max_length),
        )
        if metrics is not None:
            facts[split] = metrics
    return facts


def _average(output: OutputSpec, parts: Sequence[Ragged], shares: npt.NDArray[Any], mean: str) -> Ragged:
    first = parts[0]
    if any([len(row) for row in part] != [len(row) for row in first] for part in parts[1:]):
        raise StageError(
            f"The teachers cut texts into unlike parts: their {output.name} can't be averaged.",
            hint="Take models with one tokenizer.",
        )
    values = mean_of(output, [torch.from_numpy(np.asarray(part.values, np.float32)) for part in parts], shares, mean)
    dtype = np.float32 if output.likelihood == "value" else np.float16
    return Ragged(values.numpy().astype(dtype), first.offsets)


def mean_of(output: OutputSpec, parts: Sequence[torch.Tensor], shares: Any, mean: str) -> torch.Tensor:
    """The weighted mean as outputs of the same kind: of probabilities their logits again."""
    weights = torch.as_tensor(shares, dtype=torch.float32).reshape(-1, *[1] * parts[0].dim())
    stacked = torch.stack(list(parts))
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
