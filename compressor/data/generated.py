"""Texts that a causal language model writes after examples from the training split."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.random import Generator

from compressor.data.language_model import load_language_model
from compressor.data.prepared import load_labels
from compressor.data.text_filter import TextFilter
from compressor.data.texts import TEXTS_FILE, MadeText, TrainingTexts, tell, write_texts
from compressor.errors import DataError, RecipeError, SourceError
from compressor.events import Events
from compressor.recipe.augment import GenerateSection
from compressor.recipe.augment_checks import generate_problems
from compressor.task_specs import TaskSpec
from compressor.tasks import quiet_transformers

if TYPE_CHECKING:
    from transformers import PretrainedConfig, PreTrainedTokenizerBase

__all__ = ["LanguageModel", "Prompts", "generate_texts", "line_ends", "longest_prompt"]

_ORIGIN = "generate"
_SAMPLE = 10_000
_LABELLED = "Texts of the kind {label}, one a line:\n{examples}\n-"
_PLAIN = "Texts of the same kind, one a line:\n{examples}\n-"
_QUOTES = "\"'“”‘’"  # noqa: RUF001  # language models like to write them


def generate_texts(
    section: GenerateSection,
    spec: TaskSpec,
    *,
    model_folder: Path,
    data: Path,
    out: Path,
    seed: int,
    events: Events,
    known: Sequence[Path] = (),
    bf16: bool = False,
) -> dict[str, Any]:
    """Write texts that the language model made up to `out/texts.arrow`, see `load_texts`.

    Args:
        data: the folder that `prepare` wrote.
        known: folders of texts that were read or made before; what stands there is left out.
        bf16: compute in bfloat16, which is faster on a CPU or GPU that has it.

    Returns:
        Counts for the report, as `make_texts` does, and `labels`: how many texts were asked for of each label.

    Raises:
        RecipeError: the section is wrong. DataError: the data has other than one text a row, or nothing was kept.
        SourceError: the model can't be used. UnsafeSource: it comes as Python code that isn't trusted.
    """
    if problems := list(generate_problems(section)):
        raise RecipeError(problems)
    training = TrainingTexts.open(data, spec)
    seed += section.seed
    prompts = Prompts(section, training, spec, load_labels(data), seed)
    model = LanguageModel(section, model_folder, seed, bf16=bf16)
    keep = TextFilter(training, section, known=known)

    def kept() -> Iterator[list[MadeText]]:
        for start in range(0, section.count, section.batch_size):
            end = min(start + section.batch_size, section.count)
            written = model.go_on([prompts.draw() for _ in range(start, end)])
            yield keep([MadeText({training.roles[0]: text}, _ORIGIN) for text in written])
            events.progress("generate: writing texts", end, section.count)

    origins = write_texts(kept(), training, out / TEXTS_FILE, section=section, seed=seed)
    facts = {**keep.facts(origins), "labels": prompts.asked}
    tell("generate", facts, events)
    return facts


class Prompts:
    """What the model goes on from: a few training texts of one label, drawn by how frequent the label is."""

    def __init__(
        self, section: GenerateSection, training: TrainingTexts, spec: TaskSpec, labels: Sequence[str], seed: int
    ) -> None:
        """
        Raises:
            DataError: the data has other than one text a row; or the prompt names labels, and rows have none, or more
                than one each.
        """
        if len(training.roles) != 1:
            raise DataError(
                f"data.generate writes one text a row, and this data has {' and '.join(training.roles)}.",
                hint="Use data.augment or data.unlabelled.",
            )
        role, target = training.roles[0], spec.target_role
        rows = training.sample(_SAMPLE, seed)
        has_labels = bool(rows) and isinstance(rows[0].get(target), int) and bool(labels)
        self.template = section.prompt or (_LABELLED if has_labels else _PLAIN)
        if "{label}" in self.template and not has_labels:
            raise DataError(
                "data.generate.prompt has a place for {label}, and the rows of this data don't have one label each.",
                hint="Leave {label} out of the prompt.",
            )
        self.asked: dict[str, int] = {}
        """Label -> how many texts were asked for."""
        self._role, self._target = role, target
        self._labels = labels if has_labels else ()
        self._examples = section.examples
        self._random: Generator = np.random.default_rng(seed)
        self._drawn: list[str] = [labels[row[target]] if has_labels else "" for row in rows]
        self._texts: dict[str, list[str]] = {}
        for row, label in zip(rows, self._drawn, strict=True):
            self._texts.setdefault(label, []).append(" ".join(str(row[role]).split()))

    def draw(self) -> str:
        """A prompt, without space at its end."""
        label = self._drawn[int(self._random.integers(len(self._drawn)))]
        if label:
            self.asked[label] = self.asked.get(label, 0) + 1
        return self._prompt(label, self._texts[label])

    def pairs(self, rows: Iterable[Mapping[str, Any]]) -> Iterator[tuple[str, str]]:
        """Of each row a prompt that asks for such a text, and the text: what a language model is fine-tuned on."""
        for row in rows:
            label = self._labels[row[self._target]] if self._labels else ""
            text = " ".join(str(row[self._role]).split())
            others = [one for one in self._texts.get(label, ()) if one != text] if self._examples else []
            yield self._prompt(label, others), text

    def _prompt(self, label: str, texts: Sequence[str]) -> str:
        chosen = self._random.choice(len(texts), min(self._examples, len(texts)), replace=False) if texts else ()
        examples = "\n".join(f"- {texts[int(place)]}" for place in chosen)
        return self.template.replace("{label}", label).replace("{examples}", examples).rstrip()


class LanguageModel:
    """A causal language model that goes on from prompts to the end of the line."""

    def __init__(self, section: GenerateSection, folder: Path, seed: int, *, bf16: bool = False) -> None:
        """
        Raises:
            SourceError: the folder holds none, or one that can't write so long a text.
            UnsafeSource: it comes as Python code that isn't trusted.
        """
        import torch

        self.section = section
        self.seed = seed
        self.model, self.tokenizer = load_language_model(folder, trust_remote_code=section.trust_remote_code)
        self.model.to("cuda" if torch.cuda.is_available() else "cpu", torch.bfloat16 if bf16 else torch.float32)
        self.ends = line_ends(self.tokenizer)
        self.longest = longest_prompt(self.model.config, section.max_new_tokens, folder)
        self.batches = 0

    def go_on(self, prompts: Sequence[str]) -> list[str]:
        """The rest of the line after each prompt, without quotation marks around it."""
        import torch

        encoded = self.tokenizer(
            list(prompts), padding=True, truncation=True, max_length=self.longest, return_tensors="pt"
        )
        encoded.pop("token_type_ids", None)
        with quiet_transformers(), torch.random.fork_rng(), torch.inference_mode():
            torch.manual_seed(self.seed * 1_000_003 + self.batches)
            written = self.model.generate(
                **encoded.to(self.model.device),
                do_sample=True,
                temperature=self.section.temperature,
                top_p=self.section.top_p,
                top_k=0,
                max_new_tokens=self.section.max_new_tokens,
                eos_token_id=self.ends,
                pad_token_id=self.tokenizer.pad_token_id,
            )
        self.batches += 1
        texts = self.tokenizer.batch_decode(written[:, encoded["input_ids"].shape[1] :], skip_special_tokens=True)
        return [_line(text) for text in texts]


def _line(text: str) -> str:
    """The first line, tidied."""
    return text.strip(" \t").split("\n")[0].strip().strip(_QUOTES).strip()


def longest_prompt(config: PretrainedConfig, new_tokens: int, folder: Path) -> int:
    """Tokens of a prompt that leave room for a text.

    Raises:
        SourceError: there is no room.
    """
    most = int(getattr(config, "max_position_embeddings", 1 << 20))
    if most <= new_tokens:
        raise SourceError(
            f"{folder} takes {most} tokens, and data.generate.max_new_tokens is {new_tokens}.", hint="Lower it."
        )
    return most - new_tokens


def line_ends(tokenizer: PreTrainedTokenizerBase) -> list[int]:
    """Tokens that end the text: the model's own, and those with a line break."""
    pieces = tokenizer.batch_decode([[i] for i in range(len(tokenizer))])
    ends = [i for i, piece in enumerate(pieces) if "\n" in piece]
    return [*ends, *([] if tokenizer.eos_token_id is None else [tokenizer.eos_token_id])]
