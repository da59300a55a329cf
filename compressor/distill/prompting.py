"""Ask a language model which label a text has."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from compressor.data import load_output_names, load_split
from compressor.data.language_model import load_language_model
from compressor.distill.device import choose_device
from compressor.distill.label import SPLITS
from compressor.distill.stored import judge, keep_outputs
from compressor.distill.transfer_set import TEXTS
from compressor.errors import DataError
from compressor.events import Events
from compressor.recipe.prompt import PromptSection
from compressor.runtime.outputs import Ragged
from compressor.tasks.base import Task

__all__ = ["Asked", "ask", "shift_to"]

_ROUNDS = 200
_CLOSE = 1e-5

Numbers = npt.NDArray[np.float64]


def ask(
    section: PromptSection,
    *,
    task: Task,
    model_folder: Path,
    data: Path,
    texts: Path | None,
    shifts: Sequence[Sequence[float]] | None,
    max_length: int,
    out: Path,
    events: Events,
) -> dict[str, Any]:
    """Write what the model says of every text, as `compute_outputs` writes outputs: logarithms of probabilities.

    Each template's answers are shifted until the training texts have the `prior` (batch calibration, Zhou 2023, arXiv
    2309.17249, with a prior of one's own); then the logarithms of all templates are averaged.

    Args:
        texts: the folder of texts without labels to ask about; None: the splits of `data`.
        shifts: those that were found on the training texts, one of [labels] a template, where `texts` is given.

    Returns:
        Metrics on validation and test where labels are known, the number of examples, `shifts`, and in `alone` the
        metrics of each template by itself.

    Raises:
        DataError: the labels of the data aren't those of the section.
        SourceError: the model can't be used.
    """
    names = load_output_names(data, task)
    if set(names) != set(section.words):
        raise DataError(
            f"teacher.prompt.words names {', '.join(section.words)}; the labels of the data are {', '.join(names)}.",
            hint="Name the words for each label, no more and no less.",
        )
    asked = Asked(section, model_folder, names, max_length)
    folder = texts or data
    splits = [split for split in ((TEXTS,) if texts else SPLITS) if (folder / f"{split}.arrow").is_file()]
    said = {split: asked.about(load_split(folder, split), split, events) for split in splits}
    if shifts is None:
        prior = _prior(section, names)
        shifts = [shift_to(one, prior).tolist() if prior is not None else [0.0] * len(names) for one in said[splits[0]]]
    name = task.spec.outputs[0].name
    alone: list[dict[str, dict[str, float]]] = [{} for _ in section.templates]
    facts: dict[str, Any] = {"shifts": shifts, "examples": {}, "templates": list(section.templates), "alone": alone}
    for split, each in said.items():
        shifted = [_normalised(one + np.asarray(shift)) for one, shift in zip(each, shifts, strict=True)]
        outputs = {name: Ragged(np.mean(shifted, axis=0).astype(np.float16))}
        facts["examples"][split], metrics = keep_outputs(
            outputs, split=split, task=task, data=data, texts=texts, out=out
        )
        if metrics is None:
            continue
        facts[split] = metrics
        for scores, one in zip(alone, shifted, strict=True):
            _, statistics = judge({name: Ragged(one)}, load_split(data, split), task=task, data=data)
            if found := task.runtime.values(statistics):
                scores[split] = found
    return facts


class Asked:
    """A language model, and what it is asked."""

    def __init__(self, section: PromptSection, folder: Path, names: Sequence[str], max_length: int) -> None:
        self.section = section
        self.max_length = max_length
        self.model, self.tokenizer = load_language_model(folder, trust_remote_code=section.trust_remote_code)
        self.model.to(choose_device("auto"))
        begins = self.tokenizer("a")["input_ids"][:1] == [self.tokenizer.bos_token_id]
        self.beginning = [self.tokenizer.bos_token_id] if begins else []
        """What the model was trained to see before a text; never what it saw at the end."""
        self.answers = [self._tokens(section.words[name]) for name in names]
        known = inspect.signature(self.model.forward).parameters
        self._keeps, self._places = "logits_to_keep" in known, "position_ids" in known

    def about(self, rows: Any, split: str, events: Events) -> list[Numbers]:
        """Logarithms of the answers' probabilities, one array a template, [rows, labels]."""
        found = []
        for number, template in enumerate(self.section.templates, start=1):
            prompts = [self._prompt(template, row) for row in rows]
            order = np.argsort([len(prompt) for prompt in prompts], kind="stable")[::-1]
            scores = np.empty((len(prompts), len(self.answers)))
            what = f"teacher: prompt {number} of {len(self.section.templates)}, {split}"
            for start in range(0, len(order), self.section.batch_size):
                places = order[start : start + self.section.batch_size]
                scores[places] = self._scores([prompts[place] for place in places])
                events.progress(what, start + len(places), len(order))
            found.append(scores)
        return found

    def _tokens(self, text: str) -> list[int]:
        tokens: list[int] = self.tokenizer(text, add_special_tokens=False)["input_ids"]
        return tokens

    def _prompt(self, template: str, row: Mapping[str, Any]) -> list[int]:
        """Its tokens, each text in it cut to `max_length` of them."""
        filled = template
        for role, text in row.items():
            if f"{{{role}}}" in template:
                cut = self._tokens(str(text))[: self.max_length]
                filled = filled.replace(f"{{{role}}}", self.tokenizer.decode(cut))
        return [*self.beginning, *self._tokens(filled)]

    def _scores(self, prompts: Sequence[list[int]]) -> Numbers:
        """[prompts, labels]: the sum of the logarithms over an answer's tokens."""
        if all(len(answer) == 1 for answer in self.answers):
            logarithms = self._logarithms(prompts, 1)[:, -1]
            return logarithms[:, [answer[0] for answer in self.answers]].double().cpu().numpy()
        columns = []
        for answer in self.answers:
            logarithms = self._logarithms([[*prompt, *answer] for prompt in prompts], len(answer) + 1)[:, :-1]
            places = torch.tensor(answer, device=logarithms.device)[None, :, None].expand(len(prompts), -1, 1)
            columns.append(logarithms.gather(2, places).sum(dim=(1, 2)).double().cpu().numpy())
        return np.stack(columns, axis=1)

    def _logarithms(self, rows: Sequence[list[int]], last: int) -> torch.Tensor:
        """Of the probabilities of the next token, at the last so many places: [rows, last, vocabulary]."""
        longest, device = max(map(len, rows)), self.model.device
        pad = int(self.tokenizer.pad_token_id)
        ids = torch.tensor([[pad] * (longest - len(row)) + row for row in rows], device=device)
        mask = torch.tensor([[0] * (longest - len(row)) + [1] * len(row) for row in rows], device=device)
        more: dict[str, Any] = {"logits_to_keep": last} if self._keeps else {}
        if self._places:
            more["position_ids"] = (mask.cumsum(dim=1) - 1).clamp(min=0)
        with torch.inference_mode():
            logits = self.model(input_ids=ids, attention_mask=mask, **more).logits[:, -last:]
        return torch.log_softmax(logits.float(), dim=-1)


def shift_to(scores: Numbers, prior: Numbers) -> Numbers:
    """What is added to each label's logarithm, [labels], so that its mean probability over all rows is `prior`."""
    shift = np.zeros(scores.shape[1])
    for _ in range(_ROUNDS):
        shares = np.exp(_normalised(scores + shift)).mean(axis=0)
        step = np.log(prior) - np.log(np.maximum(shares, 1e-12))
        shift += step
        if np.abs(step).max() < _CLOSE:
            break
    centred: Numbers = shift - shift.mean()
    return centred


def _prior(section: PromptSection, names: Sequence[str]) -> Numbers | None:
    if section.prior == "none":
        return None
    if section.prior == "uniform":
        return np.full(len(names), 1 / len(names))
    shares = np.array([section.prior[name] for name in names])
    prior: Numbers = shares / shares.sum()
    return prior


def _normalised(scores: Numbers) -> Numbers:
    """As logarithms of probabilities of the labels alone."""
    shifted = scores - scores.max(axis=1, keepdims=True)
    logarithms: Numbers = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    return logarithms
