"""Tiny models with vocabularies that can be cut: every piece can be spelt with single characters."""

from __future__ import annotations

import json
import string
from pathlib import Path
from typing import Any

import torch
import transformers
from tokenizers import Tokenizer, decoders, normalizers, pre_tokenizers, processors
from tokenizers.models import BPE, Unigram, WordPiece
from transformers import AutoModelForSequenceClassification, AutoTokenizer, PreTrainedTokenizerFast

from compressor.distill.builders.base import Checkpoint

WORDS = ["good", "bad", "film", "filming", "story", "the", "was", "very", "gripping", "dull", "un", "watchable"]
LETTERS = string.ascii_lowercase
LABELS = {0: "bad", 1: "good"}


def wordpiece(special: dict[str, str]) -> Tokenizer:
    """Lower-case WordPiece: special tokens (role -> token) first, then letters, words and endings."""
    pieces = [*dict.fromkeys(special.values()), *LETTERS, *(f"##{letter}" for letter in LETTERS)]
    pieces += [*WORDS, "##ing", "##able", "##s", "##ed", "re", "##ly", "sto", "##ry"]
    vocabulary = {piece: number for number, piece in enumerate(dict.fromkeys(pieces))}
    tokenizer = Tokenizer(WordPiece(vocabulary, unk_token=special["unk_token"]))
    tokenizer.normalizer = normalizers.BertNormalizer()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.decoder = decoders.WordPiece(prefix="##")
    return tokenizer


def byte_level() -> Tokenizer:
    """Byte-level BPE with merges learned from `WORDS`, as GPT-2 and RoBERTa have."""
    from tokenizers.trainers import BpeTrainer

    tokenizer = Tokenizer(BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    special = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
    trainer = BpeTrainer(
        vocab_size=320,
        special_tokens=special,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator([" ".join(WORDS), *(f" {word}" for word in WORDS), *WORDS], trainer)
    return tokenizer


def byte_fallback() -> Tokenizer:
    """BPE of whole characters with bytes for those it doesn't know, as Llama 2 and Mistral have."""
    from tokenizers.trainers import BpeTrainer

    tokenizer = Tokenizer(BPE(unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.decoder = decoders.Sequence([decoders.Metaspace(), decoders.ByteFallback(), decoders.Fuse()])
    special = ["<unk>", "<s>", "</s>"]
    trainer = BpeTrainer(vocab_size=100, special_tokens=special, initial_alphabet=list(LETTERS), show_progress=False)
    tokenizer.train_from_iterator([" ".join(WORDS), *WORDS], trainer)
    content = json.loads(tokenizer.to_str())
    pieces = content["model"]["vocab"]
    content["model"]["byte_fallback"] = True
    content["model"]["vocab"] = pieces | {f"<0x{byte:02X}>": len(pieces) + byte for byte in range(256)}
    return Tokenizer.from_str(json.dumps(content))


def unigram() -> Tokenizer:
    """SentencePiece's unigram model, as XLM-R and ALBERT have."""
    pieces = [("<s>", 0.0), ("<pad>", 0.0), ("</s>", 0.0), ("<unk>", 0.0)]
    pieces += [(f"▁{word}", -3.0 - place / 10) for place, word in enumerate(WORDS)]
    pieces += [("▁", -4.0), ("ing", -4.1), ("able", -4.3), ("watch", -4.5)]
    pieces += [(letter, -8.0 - place / 10) for place, letter in enumerate(LETTERS)]
    tokenizer = Tokenizer(Unigram(pieces, unk_id=3))
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.decoder = decoders.Metaspace()
    return tokenizer


_BERT = {"pad": "[PAD]", "unk": "[UNK]", "cls": "[CLS]", "sep": "[SEP]", "mask": "[MASK]"}
_MPNET = {"bos": "<s>", "pad": "<pad>", "eos": "</s>", "unk": "[UNK]", "mask": "<mask>", "cls": "<s>", "sep": "</s>"}
_ROBERTA = {"bos": "<s>", "pad": "<pad>", "eos": "</s>", "unk": "<unk>", "mask": "<mask>", "cls": "<s>", "sep": "</s>"}
_GPT2 = {"bos": "</s>", "eos": "</s>", "unk": "</s>"}
_MISTRAL = {"bos": "<s>", "eos": "</s>", "unk": "<unk>"}
_ROLES = {"mpnet": _MPNET, "roberta": _ROBERTA, "xlm-roberta": _ROBERTA, "gpt2": _GPT2, "mistral": _MISTRAL}


def _tokens(roles: dict[str, str]) -> dict[str, str]:
    return {f"{role}_token": token for role, token in roles.items()}


def _template(tokenizer: Tokenizer, first: str, last: str) -> None:
    tokenizer.post_processor = processors.TemplateProcessing(
        single=f"{first} $A {last}",
        pair=f"{first} $A {last} $B:1 {last}:1",
        special_tokens=[(token, tokenizer.token_to_id(token)) for token in (first, last)],
    )


def write_tokenizer(folder: Path, architecture: str) -> None:
    """The tokenizer that an architecture usually has, saved by the class that usually reads it."""
    roles = _ROLES.get(architecture, _BERT)
    special = _tokens(roles)
    if architecture in ("roberta", "gpt2"):
        tokenizer = byte_level()
    elif architecture == "xlm-roberta":
        tokenizer = unigram()
    elif architecture == "mistral":
        tokenizer = byte_fallback()
    else:
        tokenizer = wordpiece(special)
    if architecture == "roberta":
        ids = tokenizer.get_vocab()
        tokenizer.post_processor = processors.RobertaProcessing(
            ("</s>", ids["</s>"]), ("<s>", ids["<s>"]), add_prefix_space=False
        )
    elif architecture == "gpt2":
        tokenizer.post_processor = processors.ByteLevel(trim_offsets=False)
    elif architecture != "mistral":
        _template(tokenizer, roles["cls"], roles["sep"])
    PreTrainedTokenizerFast(tokenizer_object=tokenizer, model_max_length=64, **special).save_pretrained(folder)
    own = {"mpnet": "MPNetTokenizer", "bert": "BertTokenizer", "roberta": "RobertaTokenizer"}.get(architecture)
    if own is not None:
        getattr(transformers, own).from_pretrained(folder).save_pretrained(folder)


SIZES: dict[str, Any] = {
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "intermediate_size": 48,
    "max_position_embeddings": 70,
    "initializer_range": 0.3,
}
CONFIGS: dict[str, dict[str, Any]] = {
    "bert": SIZES,
    "roberta": SIZES,
    "xlm-roberta": SIZES,
    "mpnet": SIZES,
    "electra": {**SIZES, "embedding_size": 16},
    "albert": {**SIZES, "embedding_size": 16},
    "deberta-v2": {**SIZES, "relative_attention": True, "position_buckets": 8, "pos_att_type": ["c2p", "p2c"]},
    "modernbert": {**SIZES, "global_attn_every_n_layers": 2},
    "distilbert": {
        "dim": 32,
        "n_layers": 2,
        "n_heads": 4,
        "hidden_dim": 48,
        "max_position_embeddings": 70,
        "initializer_range": 0.3,
    },
    "gpt2": {"n_embd": 32, "n_layer": 2, "n_head": 4, "n_positions": 70, "initializer_range": 0.3},
    "llama": {**SIZES, "num_key_value_heads": 2},
    "mistral": {**SIZES, "num_key_value_heads": 2},
    "bloom": {"hidden_size": 32, "n_layer": 2, "n_head": 4, "initializer_range": 0.3},
}


def write_model(folder: Path, architecture: str, **changes: Any) -> Path:
    """A classifier of [bad, good] with random weights, biases too, and its tokenizer."""
    write_tokenizer(folder, architecture)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    ids = {
        f"{role}_token_id": getattr(tokenizer, f"{role}_token_id")
        for role in ("pad", "bos", "eos", "cls", "sep")
        if getattr(tokenizer, f"{role}_token", None) is not None
    }
    torch.manual_seed(0)
    settings = {**CONFIGS[architecture], "vocab_size": len(tokenizer), "id2label": LABELS, **ids, **changes}
    config = transformers.AutoConfig.for_model(architecture, **settings)
    model = AutoModelForSequenceClassification.from_config(config)
    for parameter in model.parameters():
        if parameter.ndim == 1:
            torch.nn.init.normal_(parameter, mean=parameter.mean().item(), std=0.1)
    model.save_pretrained(folder)
    return folder


def read(folder: Path) -> Checkpoint:
    """A saved model as transformers reads it, without anything of ours."""
    model = AutoModelForSequenceClassification.from_pretrained(folder).eval()
    return Checkpoint(model, AutoTokenizer.from_pretrained(folder))


def write(checkpoint: Checkpoint, folder: Path) -> Checkpoint:
    """Save it, and read it again."""
    checkpoint.model.save_pretrained(folder)
    checkpoint.tokenizer.save_pretrained(folder)
    return read(folder)


def logits(checkpoint: Checkpoint, texts: list[str]) -> torch.Tensor:
    """[texts, labels], each text alone, so that no padding is needed."""
    found = []
    for text in texts:
        inputs = checkpoint.tokenizer(text, return_tensors="pt")
        taken = {name: inputs[name] for name in ("input_ids", "attention_mask")}
        with torch.no_grad():
            found.append(checkpoint.model(**taken).logits[0])
    return torch.stack(found)
