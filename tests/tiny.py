"""Tiny models, tokenizers and data sets, made from nothing: no network, milliseconds to build."""

from __future__ import annotations

import csv
import json
import random
from pathlib import Path
from typing import Any

POSITIVE = ["good", "gripping", "funny", "warm", "brilliant", "moving"]
NEGATIVE = ["bad", "dull", "boring", "cold", "awful", "clumsy"]
NEUTRAL = ["the", "a", "film", "movie", "story", "plot", "is", "was", "and", "very", "really", "actors", "in", "of"]
SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
VOCABULARY = [*SPECIAL, *POSITIVE, *NEGATIVE, *NEUTRAL, *[f"w{i}" for i in range(80)], *[f"##{c}" for c in "abcxyz"]]


def write_tokenizer(folder: Path, *, pad: str = "[PAD]", vocabulary: list[str] = VOCABULARY) -> Path:
    """A BERT-style WordPiece tokenizer over a vocabulary, which begins with `SPECIAL`."""
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
    from transformers import PreTrainedTokenizerFast

    tokenizer = Tokenizer(models.WordPiece({word: i for i, word in enumerate(vocabulary)}, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]",
        pair="[CLS] $A [SEP] $B:1 [SEP]:1",
        special_tokens=[("[CLS]", VOCABULARY.index("[CLS]")), ("[SEP]", VOCABULARY.index("[SEP]"))],
    )
    PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        unk_token="[UNK]",
        pad_token=pad,
        cls_token="[CLS]",
        sep_token="[SEP]",
        mask_token="[MASK]",
        model_input_names=["input_ids", "token_type_ids", "attention_mask"],
        model_max_length=64,
    ).save_pretrained(folder)
    return folder


def renumber(folder: Path) -> tuple[dict[str, int], dict[str, int]]:
    """Give the words of a model's tokenizer other numbers, and return the old ones and the new."""
    file = folder / "tokenizer.json"
    content = json.loads(file.read_text())
    old: dict[str, int] = content["model"]["vocab"]
    words = [word for word in old if word not in SPECIAL]
    new = old | dict(zip(words, reversed([old[word] for word in words]), strict=True))
    content["model"]["vocab"] = new
    file.write_text(json.dumps(content))
    return old, new


def write_encoder(
    folder: Path, *, layers: int = 4, hidden: int = 32, labels: list[str] | None = None, spread: float = 0.02
) -> Path:
    """A BERT with random weights: with a classification head for `labels`, else the bare encoder.

    `spread` is the standard deviation of the weights: with 0.1 a model this small learns in fewer steps how two words
    of a text go together.
    """
    import torch
    from transformers import BertConfig, BertForSequenceClassification, BertModel

    torch.manual_seed(0)
    settings: dict[str, Any] = {
        "vocab_size": len(VOCABULARY),
        "hidden_size": hidden,
        "num_hidden_layers": layers,
        "num_attention_heads": 2,
        "intermediate_size": 2 * hidden,
        "max_position_embeddings": 64,
        "initializer_range": spread,
    }
    if labels:
        settings["id2label"] = dict(enumerate(labels))
        settings["label2id"] = {label: i for i, label in enumerate(labels)}
    config = BertConfig(**settings)
    (BertForSequenceClassification(config) if labels else BertModel(config)).save_pretrained(folder)
    return write_tokenizer(folder)


def write_decoder(folder: Path, *, layers: int = 2, hidden: int = 32) -> Path:
    """A GPT-2 with random weights, without a classification head and without a padding token, as GPT-2 comes."""
    import torch
    from transformers import AutoTokenizer, GPT2Config, GPT2LMHeadModel

    torch.manual_seed(0)
    config = GPT2Config(
        vocab_size=len(VOCABULARY),
        n_embd=hidden,
        n_layer=layers,
        n_head=2,
        n_positions=64,
        bos_token_id=VOCABULARY.index("[SEP]"),
        eos_token_id=VOCABULARY.index("[SEP]"),
    )
    GPT2LMHeadModel(config).save_pretrained(folder)
    write_tokenizer(folder)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    tokenizer.pad_token = None
    tokenizer.eos_token = "[SEP]"
    tokenizer.save_pretrained(folder)
    return folder


def reviews(count: int, *, seed: int = 0) -> list[tuple[str, str]]:
    """`count` distinct made-up (text, label) pairs; a model can learn `good` from `bad` by their words."""
    generator = random.Random(seed)
    found: dict[str, str] = {}
    while len(found) < count:
        label, words = generator.choice([("good", POSITIVE), ("bad", NEGATIVE)])
        filler = generator.choices([*NEUTRAL, *[f"w{i}" for i in range(80)]], k=generator.randint(3, 12))
        filler.insert(generator.randrange(len(filler)), generator.choice(words))
        found[" ".join(filler)] = label
    return list(found.items())


def write_reviews(path: Path, count: int = 200, *, seed: int = 0) -> Path:
    """A csv file with the columns `text` and `label`."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["text", "label"])
        writer.writerows(reviews(count, seed=seed))
    return path


def write_reader(folder: Path, *, layers: int = 2, hidden: int = 32) -> Path:
    """A BERT with random weights and a question answering head."""
    import torch
    from transformers import BertConfig, BertForQuestionAnswering

    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=len(VOCABULARY),
        hidden_size=hidden,
        num_hidden_layers=layers,
        num_attention_heads=2,
        intermediate_size=2 * hidden,
        max_position_embeddings=64,
    )
    BertForQuestionAnswering(config).save_pretrained(folder)
    return write_tokenizer(folder)


def questions(count: int, *, unanswered: float = 0.0, longest: int = 16, seed: int = 0) -> list[dict[str, Any]]:
    """`count` distinct rows {question, context, answers}: "was it good" asks for the positive word of the context,
    "was it bad" for the negative one. `unanswered` is the share of contexts without the word that is asked for.
    Each has a word of the other kind too, so that the question matters."""
    generator = random.Random(seed)
    found: dict[tuple[str, str], dict[str, Any]] = {}
    while len(found) < count:
        asked, words, others = generator.choice([("good", POSITIVE, NEGATIVE), ("bad", NEGATIVE, POSITIVE)])
        answer = None if generator.random() < unanswered else generator.choice(words)
        filler = generator.choices([*NEUTRAL, *[f"w{i}" for i in range(80)]], k=generator.randint(6, longest))
        for word in (generator.choice(others), *([answer] if answer else [])):
            filler.insert(generator.randrange(len(filler)), word)
        context, question = " ".join(filler), f"was it {asked}"
        start = 0 if answer is None else len(" ".join([*filler[: filler.index(answer)], ""]))
        answers = [] if answer is None else [{"start": start, "text": answer}]
        found[question, context] = {"question": question, "context": context, "answers": answers}
    return list(found.values())


def write_questions(path: Path, count: int = 200, **settings: Any) -> Path:
    """A jsonl file of `questions`."""
    rows = questions(count, **settings)
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


PEOPLE = ["anna", "boris", "clara", "dmitri", "elena", "felix"]
PLACES = ["paris", "rome", "oslo", "lima", "cairo", "kyoto"]
FAMILIES = ["smith", "jones", "brown", "adams"]


def write_name_encoder(folder: Path, *, layers: int = 4, hidden: int = 32, tags: list[str] | None = None) -> Path:
    """A BERT that knows the words of `tagged_texts`, with random weights: with a tagging head for `tags`, else bare."""
    import torch
    from transformers import BertConfig, BertForTokenClassification, BertModel

    words = [*SPECIAL, *PEOPLE, *PLACES, *FAMILIES, *NEUTRAL, "##s", "##ville", "don", "'", "t", ".", ","]
    write_tokenizer(folder, vocabulary=words)
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=len(words),
        hidden_size=hidden,
        num_hidden_layers=layers,
        num_attention_heads=2,
        intermediate_size=2 * hidden,
        max_position_embeddings=64,
        **({"id2label": dict(enumerate(tags)), "label2id": {tag: i for i, tag in enumerate(tags)}} if tags else {}),
    )
    (BertForTokenClassification(config) if tags else BertModel(config)).save_pretrained(folder)
    return folder


def tagged_texts(count: int, *, seed: int = 0) -> list[list[tuple[str, str]]]:
    """`count` distinct made-up sentences of (token, IOB2 tag); names of people and places are told by their words."""
    generator = random.Random(seed)
    found: dict[str, list[tuple[str, str]]] = {}
    while len(found) < count:
        sentence: list[tuple[str, str]] = []
        for kind in generator.choices(["person", "place", "none"], k=generator.randint(2, 4)):
            sentence += [(word, "O") for word in generator.choices(NEUTRAL, k=generator.randint(1, 3))]
            if kind == "person":
                sentence += [(generator.choice(PEOPLE), "B-PER"), (generator.choice(FAMILIES), "I-PER")]
            elif kind == "place":
                sentence.append((generator.choice(PLACES), "B-LOC"))
        found[" ".join(token for token, _ in sentence)] = sentence
    return list(found.values())


def write_conll(path: Path, count: int = 200, *, seed: int = 0) -> Path:
    """A CoNLL file of `tagged_texts`."""
    sentences = ("\n".join(f"{token} {tag}" for token, tag in one) for one in tagged_texts(count, seed=seed))
    path.write_text("\n\n".join(sentences) + "\n", encoding="utf-8")
    return path


def write_ratings(path: Path, count: int = 200, *, seed: int = 0) -> Path:
    """A csv file with the columns `text` and `stars`: about 40, 10 more with a good word and 10 less with a bad one."""
    generator = random.Random(seed)
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["text", "stars"])
        for text, label in reviews(count, seed=seed):
            writer.writerow([text, round((50 if label == "good" else 30) + generator.uniform(-1, 1), 2)])
    return path


def pairs(count: int, *, seed: int = 0) -> list[dict[str, Any]]:
    """`count` distinct rows {text, text_pair, score}: 5 where both texts praise or both don't, else 1."""
    texts = reviews(2 * count, seed=seed)
    halves = zip(texts[:count], texts[count:], strict=True)
    return [
        {"text": text, "text_pair": other, "score": 5.0 if mine == theirs else 1.0}
        for (text, mine), (other, theirs) in halves
    ]


def write_pairs(path: Path, count: int = 120, *, seed: int = 0) -> Path:
    """A jsonl file of `pairs`."""
    path.write_text("".join(json.dumps(row) + "\n" for row in pairs(count, seed=seed)), encoding="utf-8")
    return path
