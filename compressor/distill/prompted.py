"""A language model that is asked which words it would go on with."""

from __future__ import annotations

import copy
import inspect
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import torch

from compressor.data.language_model import load_language_model
from compressor.distill.device import choose_device, choose_precision
from compressor.distill.transfer_set import TEXTS
from compressor.events import Events
from compressor.processes import rank, size
from compressor.recipe.prompt import PromptSection

if TYPE_CHECKING:
    from transformers import Cache

__all__ = ["PromptedModel"]

_ROWS_AT_ONCE = 10_000
"""So many prompts are held as tokens."""

Numbers = npt.NDArray[np.float64]


class PromptedModel:
    """A language model, and what it is asked.

    What all prompts of a template begin with is computed once, and a prompt once for all labels, where the model keeps
    keys and values.
    """

    def __init__(self, section: PromptSection, folder: Path, names: Sequence[str], max_length: int) -> None:
        self.section = section
        self.max_length = max_length
        self.model, self.tokenizer = load_language_model(folder, trust_remote_code=section.trust_remote_code)
        place = choose_device("auto")
        self.model.to(place)
        self.precision = choose_precision("auto", place)
        begins = self.tokenizer("a")["input_ids"][:1] == [self.tokenizer.bos_token_id]
        self.beginning = [self.tokenizer.bos_token_id] if begins else []
        """What the model was trained to see before a text; never what it saw at the end."""
        self.answers = [self._tokens(section.words[name]) for name in names]
        known = inspect.signature(self.model.forward).parameters
        self._keeps_last, self._places = "logits_to_keep" in known, "position_ids" in known
        self._remembers = "past_key_values" in known

    def about(self, rows: Any, split: str, events: Events, kept: Path) -> None:
        """Ask about each row in every template; of several processes each asks about its own. `said` reads what comes
        out.

        Validation and test are always computed in fp32. Texts to learn from are computed in bf16 where the device does
        that, in half of the time.

        Args:
            kept: the folder for the answers, and with those that there are already, where a run broke off.
        """
        fast = self.precision == "bf16" and split in ("train", TEXTS)
        with torch.autocast(self.model.device.type, torch.bfloat16, enabled=fast):
            for number in range(len(self.section.templates)):
                self._ask(number, rows, split, events, kept)

    def said(self, split: str, kept: Path) -> list[Numbers]:
        """Logarithms of the answers' probabilities, one array a template, [rows, labels], when all processes have
        asked. A process alone leaves them on disk."""
        found = []
        for number in range(len(self.section.templates)):
            parts = [_read(_file(kept, split, number, place)) for place in range(size())]
            whole = parts[0] if size() == 1 else np.empty((sum(map(len, parts)), len(self.answers)))
            for place, part in enumerate(parts if size() > 1 else ()):
                whole[place :: size()] = part
            found.append(whole)
        return found

    def _ask(self, number: int, rows: Any, split: str, events: Events, kept: Path) -> None:
        """Fill this process's file for one template, some rows at a time: prompts are long, and rows may be many."""
        template, of = self.section.templates[number], len(self.section.templates)
        own = range(rank(), len(rows), size())
        scores = _opened(_file(kept, split, number, rank()), (len(own), len(self.answers)))
        what = f"teacher: prompt {number + 1} of {of}, {split}"
        for start in range(0, len(own), _ROWS_AT_ONCE):
            some = own[start : start + _ROWS_AT_ONCE]
            missing = start + np.flatnonzero(np.isnan(scores[start : start + len(some)]).any(axis=1))
            prompts = {int(place): self._prompt(template, rows[own[place]]) for place in missing}
            order = sorted(prompts, key=lambda place: len(prompts[place]), reverse=True)  # no padding to speak of
            shared = _shared(list(prompts.values())) if self._remembers else 0
            cache = self._read(prompts[order[0]][:shared]) if shared else None
            done = start + len(some) - len(order)
            for begin in range(0, len(order), self.section.batch_size):
                places = order[begin : begin + self.section.batch_size]
                scores[places] = self._scores([prompts[place][shared:] for place in places], shared, cache)
                events.progress(what, done + begin + len(places), len(own))

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

    def _read(self, tokens: list[int]) -> Cache | None:
        """Keys and values of what all prompts begin with."""
        ids = torch.tensor([tokens], device=self.model.device)
        with torch.inference_mode():
            cache: Cache | None = self.model(input_ids=ids, use_cache=True).past_key_values
        return cache

    def _scores(self, prompts: Sequence[list[int]], shared: int, cache: Cache | None) -> Numbers:
        """[prompts, labels]: the sum of the logarithms over an answer's tokens.

        Args:
            prompts: what is behind the shared tokens.
            cache: keys and values of these.
        """
        if cache is not None:
            cache = copy.deepcopy(cache)
            cache.batch_repeat_interleave(len(prompts))
        longest = max(map(len, prompts))
        pad = int(self.tokenizer.pad_token_id)
        rows = torch.tensor([[pad] * (longest - len(row)) + row for row in prompts])
        mask = torch.tensor([[1] * shared + [0] * (longest - len(row)) + [1] * len(row) for row in prompts])
        first, cache = self._logarithms(rows, mask, cache, 1)
        columns = []
        for answer in self.answers:
            found = first[:, -1, answer[0]]
            if len(answer) > 1:
                found = found + self._rest(rows, mask, cache, answer)
            columns.append(found)
        return torch.stack(columns, dim=1).double().cpu().numpy()

    def _rest(self, rows: torch.Tensor, mask: torch.Tensor, cache: Cache | None, answer: list[int]) -> torch.Tensor:
        """[prompts]: the logarithms of an answer's tokens from the second one on."""
        before = torch.tensor(answer[:-1]).expand(len(rows), -1)
        longer = torch.cat([mask, torch.ones_like(before)], dim=1)
        if cache is None:
            logarithms, _ = self._logarithms(torch.cat([rows, before], dim=1), longer, None, len(answer) - 1)
        else:
            logarithms, _ = self._logarithms(before, longer, copy.deepcopy(cache), len(answer) - 1)
        places = torch.tensor(answer[1:], device=logarithms.device)[None, :, None].expand(len(rows), -1, 1)
        return logarithms.gather(2, places).sum(dim=(1, 2))

    def _logarithms(
        self, rows: torch.Tensor, mask: torch.Tensor, cache: Cache | None, last: int
    ) -> tuple[torch.Tensor, Cache | None]:
        """Of the probabilities of the next token, at the last so many places: [rows, last, vocabulary]; and the keys
        and values of all places so far."""
        device = self.model.device
        more: dict[str, Any] = {"logits_to_keep": last} if self._keeps_last else {}
        if self._places:
            more["position_ids"] = (mask.cumsum(dim=1) - 1).clamp(min=0)[:, -rows.shape[1] :].to(device)
        if self._remembers:
            several = any(len(answer) > 1 for answer in self.answers)
            more |= {"past_key_values": cache, "use_cache": cache is not None or several}
        with torch.inference_mode():
            found = self.model(input_ids=rows.to(device), attention_mask=mask.to(device), **more)
        after: Cache | None = getattr(found, "past_key_values", None) if self._remembers else None
        return torch.log_softmax(found.logits[:, -last:].float(), dim=-1), after


def _shared(prompts: Sequence[list[int]]) -> int:
    """Number of tokens that all prompts begin with; at least one of each is left."""
    first, last = min(prompts, default=[]), max(prompts, default=[])
    most = min(map(len, prompts), default=1) - 1
    return next((place for place in range(most) if first[place] != last[place]), most)


def _file(kept: Path, split: str, number: int, place: int) -> Path:
    """Of one process, what one template brought: rows place, place + size, ..."""
    of = f".{place + 1}-of-{size()}" if size() > 1 else ""
    return kept / f"{split}-{number}{of}.npy"


def _read(file: Path) -> Numbers:
    scores: Numbers = np.load(file, mmap_mode="r")
    return scores


def _opened(file: Path, shape: tuple[int, int]) -> Numbers:
    """An array on disk, NaN where nothing was answered yet."""
    file.parent.mkdir(parents=True, exist_ok=True)
    if not file.is_file():
        fresh = file.with_suffix(".tmp.npy")
        np.save(fresh, np.full(shape, np.nan))
        fresh.replace(file)
    scores: Numbers = np.load(file, mmap_mode="r+")
    return scores
