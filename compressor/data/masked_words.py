"""Words that a masked language model expects in a place of a text."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from numpy.random import Generator

from compressor.data.augment.base import draw_places
from compressor.data.corpus import Corpus
from compressor.data.words import Words
from compressor.errors import SourceError
from compressor.tasks import load_tokenizer, quiet_transformers
from compressor.tasks.models.checkpoint import refusals_explained

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

__all__ = ["MaskedWords"]

_BATCH = 32
_WORD_MARKERS = ("Ġ", "▁")
"""What tokens that begin a word begin with, where the tokenizer marks these; WordPiece marks the others, by ##."""


class MaskedWords:
    """A `Change`: each word is masked with the chance `share`, and drawn anew from the `top_k` likeliest words."""

    def __init__(self, folder: Path, *, share: float, top_k: int, trust_remote_code: bool = False) -> None:
        """
        Raises:
            SourceError: the folder holds no masked language model.
        """
        import torch

        self.share = share
        self.top_k = top_k
        self.tokenizer = load_tokenizer(folder, trust_remote_code)
        if self.tokenizer.mask_token is None:
            raise _no_masked_model(folder, "its tokenizer has no mask token")
        self.model = _load(folder, trust_remote_code).to("cuda" if torch.cuda.is_available() else "cpu")
        self.words = _whole_words(self.tokenizer)
        self.length = min(self.tokenizer.model_max_length, getattr(self.model.config, "max_position_embeddings", 512))

    def __call__(self, texts: Sequence[str], randoms: Sequence[Generator], corpus: Corpus) -> list[str]:
        changed = [Words.of(text) for text in texts]
        drawn = [draw_places(random, len(words), self.share) for words, random in zip(changed, randoms, strict=True)]
        masked = sorted((i for i, places in enumerate(drawn) if places), key=lambda i: (len(texts[i]), i))
        for start in range(0, len(masked), _BATCH):
            batch = masked[start : start + _BATCH]
            found = self._likeliest([changed[i] for i in batch], [drawn[i] for i in batch])
            for i, candidates in zip(batch, found, strict=True):
                changed[i] = changed[i].replaced(
                    {
                        place: _in_case(self.words[_draw(ids, chances, randoms[i])], changed[i].words[place])
                        for place, (ids, chances) in candidates.items()
                    }
                )
        return [words.text for words in changed]

    def _likeliest(
        self, texts: Sequence[Words], places: Sequence[list[int]]
    ) -> list[dict[int, tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]]]:
        """For each masked place of each text the ids of the likeliest words and their probabilities, which add up to 1.
        Places beyond the longest text that the model takes are left out."""
        import torch

        mask = str(self.tokenizer.mask_token)
        masked = [words.replaced(dict.fromkeys(at, mask)) for words, at in zip(texts, places, strict=True)]
        encoded = self.tokenizer(
            [words.text for words in masked],
            truncation=True,
            max_length=self.length,
            padding=True,
            return_offsets_mapping=True,
            return_tensors="pt",
        )
        offsets = encoded.pop("offset_mapping")
        with torch.inference_mode():
            logits = self.model(**encoded.to(self.model.device)).logits
            rows, columns = (encoded["input_ids"] == self.tokenizer.mask_token_id).nonzero(as_tuple=True)
            chosen = logits[rows, columns].float()
            allowed = torch.zeros(chosen.shape[-1], dtype=torch.bool, device=chosen.device)
            allowed[torch.tensor([i for i in self.words if i < len(allowed)], device=chosen.device)] = True
            best, ids = chosen.masked_fill(~allowed, -torch.inf).topk(min(self.top_k, int(allowed.sum())))
            chances = best.double().softmax(-1).cpu().numpy()
        found: list[dict[int, Any]] = [{} for _ in texts]
        ends = [_ends(words, at) for words, at in zip(masked, places, strict=True)]
        for row, column, candidates, shares in zip(
            rows.tolist(), columns.tolist(), ids.cpu().numpy(), chances, strict=True
        ):
            place = ends[row].get(int(offsets[row, column, 1]))  # the text may hold a mask of its own
            if place is not None:
                found[row][place] = (candidates, shares)
        return found


def _ends(words: Words, places: list[int]) -> dict[int, int]:
    """The character after each of these words -> its place."""
    found, at = {}, 0
    for place, (gap, word) in enumerate(zip(words.gaps, words.words, strict=False)):
        at += len(gap) + len(word)
        if place in places:
            found[at] = place
    return found


def _draw(ids: npt.NDArray[np.int64], chances: npt.NDArray[np.float64], random: Generator) -> int:
    place = int(np.searchsorted(np.cumsum(chances), random.random(), side="right"))
    return int(ids[min(place, len(ids) - 1)])


def _in_case(word: str, original: str) -> str:
    """The word in the case of the one whose place it takes."""
    if original.isupper() and len(original) > 1:
        return word.upper()
    return word[:1].upper() + word[1:] if original[:1].isupper() else word


def _whole_words(tokenizer: PreTrainedTokenizerBase) -> dict[int, str]:
    """Tokens that are a word of letters: id -> the word."""
    special = set(tokenizer.all_special_ids)
    ids = [i for i in range(len(tokenizer)) if i not in special]
    tokens = tokenizer.convert_ids_to_tokens(ids)
    marker = next((marker for marker in _WORD_MARKERS if any(token.startswith(marker) for token in tokens)), None)
    begin = [i for i, token in zip(ids, tokens, strict=True) if marker is None or token.startswith(marker)]
    words = tokenizer.batch_decode([[i] for i in begin])
    return {i: word for i, text in zip(begin, words, strict=True) if (word := text.strip()).isalpha()}


def _load(folder: Path, trust_remote_code: bool) -> PreTrainedModel:
    from transformers import AutoModelForMaskedLM

    with quiet_transformers(), refusals_explained(folder):
        model, loaded = AutoModelForMaskedLM.from_pretrained(
            folder,
            dtype="float32",
            use_safetensors=True,
            output_loading_info=True,
            local_files_only=True,
            trust_remote_code=trust_remote_code,
        )
    if missing := sorted(loaded["missing_keys"]):
        raise _no_masked_model(folder, f"it lacks {', '.join(missing[:3])}")
    return model.eval()


def _no_masked_model(folder: Path, why: str) -> SourceError:
    return SourceError(
        f"{folder} is not a masked language model: {why}.",
        hint="Take a checkpoint that was trained to fill in masked words, for example bert-base-uncased.",
    )
