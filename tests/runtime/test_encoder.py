from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Tokenizer

from compressor.errors import BundleError
from compressor.runtime import Encoder
from tests.runtime.bundles import edit

TEXTS = [
    "a good film",
    "",
    "  The   FILM, was really\tgood!\n",
    "Zürich 23 °C — naïve 映画 🎬 \u0301",
    "good [SEP] [MASK] film <|end|>",
    " ".join(f"w{i}" for i in range(60)),
]
MAX_LENGTH = 20


@pytest.fixture(scope="session")
def byte_level_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tokenizer as GPT-2 has it: bytes, no special tokens around a text, no padding token."""
    from tokenizers import decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=300, special_tokens=["<|end|>"], initial_alphabet=alphabet, show_progress=False
    )
    tokenizer.train_from_iterator(["a good film", "a really dull film"], trainer)
    folder = tmp_path_factory.mktemp("byte-level")
    PreTrainedTokenizerFast(tokenizer_object=tokenizer, eos_token="<|end|>").save_pretrained(folder)
    return folder


@pytest.fixture(params=["encoder_folder", "decoder_folder", "byte_level_folder"])
def folder(request: pytest.FixtureRequest) -> Path:
    return Path(request.getfixturevalue(request.param))


def reference(folder: Path, texts: list[str], pairs: list[str] | None = None, **settings: Any) -> dict[str, Any]:
    """What transformers makes of the same texts."""
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(folder, **settings)
    tokenizer.pad_token = tokenizer.pad_token or tokenizer.eos_token
    options = {"truncation": True, "max_length": MAX_LENGTH, "padding": True, "return_tensors": "np"}
    return dict(tokenizer(texts, pairs, return_token_type_ids=True, **options))


def assert_same(found: dict[str, Any], expected: dict[str, Any]) -> None:
    assert set(found) == set(expected)
    for name, array in expected.items():
        np.testing.assert_array_equal(found[name], array, err_msg=name)
        assert found[name].dtype == np.int64


def copy(folder: Path, to: Path) -> Path:
    for name in ("tokenizer.json", "tokenizer_config.json"):
        shutil.copyfile(folder / name, to / name)
    return to


def test_texts_become_what_transformers_makes_of_them(folder: Path) -> None:
    texts = [text for text in TEXTS if text]
    assert_same(Encoder.from_folder(folder, MAX_LENGTH).encode(texts), reference(folder, texts))


def test_pairs_become_what_transformers_makes_of_them(folder: Path) -> None:
    pairs = [*TEXTS[1:], TEXTS[0]]
    assert_same(Encoder.from_folder(folder, MAX_LENGTH).encode(TEXTS, pairs), reference(folder, TEXTS, pairs))


@given(texts=st.lists(st.text(), min_size=1, max_size=4))
def test_any_text_becomes_what_transformers_makes_of_it(encoder_folder: Path, texts: list[str]) -> None:
    assert_same(Encoder.from_folder(encoder_folder, MAX_LENGTH).encode(texts), reference(encoder_folder, texts))


@pytest.mark.parametrize("settings", [{"padding_side": "left"}, {"truncation_side": "left"}])
def test_sides_are_those_of_the_tokenizer(encoder_folder: Path, tmp_path: Path, settings: dict[str, Any]) -> None:
    folder = copy(encoder_folder, tmp_path)
    edit(folder / "tokenizer_config.json", lambda config: config.update(settings))
    found = Encoder.from_folder(folder, MAX_LENGTH).encode(TEXTS)
    assert_same(found, reference(encoder_folder, TEXTS, **settings))
    assert not np.array_equal(
        found["input_ids"], Encoder.from_folder(encoder_folder, MAX_LENGTH).encode(TEXTS)["input_ids"]
    )


def test_settings_baked_into_the_file_are_overridden(encoder_folder: Path, tmp_path: Path) -> None:
    folder = copy(encoder_folder, tmp_path)
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.enable_truncation(6)
    tokenizer.enable_padding(length=50, pad_id=4, pad_token="[MASK]")
    tokenizer.save(str(folder / "tokenizer.json"))
    assert_same(Encoder.from_folder(folder, MAX_LENGTH).encode(TEXTS), reference(encoder_folder, TEXTS))


def test_a_padding_token_written_as_older_libraries_do_is_understood(decoder_folder: Path, tmp_path: Path) -> None:
    folder = copy(decoder_folder, tmp_path)
    edit(folder / "tokenizer_config.json", lambda config: config.update(pad_token={"content": "[MASK]"}))
    assert Encoder.from_folder(folder, MAX_LENGTH).encode(["good", "a good film"])["input_ids"][0, -1] == 4


def test_an_empty_text_has_something_to_attend_to(byte_level_folder: Path) -> None:
    """Attention to nothing is NaN, and a batch without a column can't be computed."""
    encoder = Encoder.from_folder(byte_level_folder, MAX_LENGTH)
    alone, beside = encoder.encode([""]), encoder.encode(["good", ""])
    assert alone["input_ids"].tolist() == [[0]]
    assert alone["attention_mask"].tolist() == [[1]]
    assert beside["attention_mask"][1].tolist() == [1] + [0] * (beside["attention_mask"].shape[1] - 1)


def test_no_texts_make_an_empty_batch(encoder_folder: Path) -> None:
    found = Encoder.from_folder(encoder_folder, MAX_LENGTH).encode([])
    assert {array.shape for array in found.values()} == {(0, 0)}


@pytest.mark.parametrize("max_length", [0, 2])
def test_a_length_without_room_for_a_text_is_refused(encoder_folder: Path, max_length: int) -> None:
    with pytest.raises(BundleError, match=f"max_length of {max_length}"):
        Encoder.from_folder(encoder_folder, max_length)


@pytest.mark.parametrize("name", ["tokenizer.json", "tokenizer_config.json"])
@pytest.mark.parametrize("content", [b"{", b"[1]", b"\xff\xfe"])
def test_a_damaged_file_is_named(encoder_folder: Path, tmp_path: Path, name: str, content: bytes) -> None:
    folder = copy(encoder_folder, tmp_path)
    (folder / name).write_bytes(content)
    with pytest.raises(BundleError, match=rf"{name} can't be read"):
        Encoder.from_folder(folder, MAX_LENGTH)


def test_a_missing_tokenizer_is_named(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match=r"tokenizer\.json is not there"):
        Encoder.from_folder(tmp_path, MAX_LENGTH)


def test_a_tokenizer_larger_than_any_is_not_read(encoder_folder: Path, tmp_path: Path) -> None:
    folder = copy(encoder_folder, tmp_path)
    with (folder / "tokenizer.json").open("ab") as file:
        file.truncate(5 << 30)
    with pytest.raises(BundleError, match=r"tokenizer\.json can't be read: it is larger than 256 MiB"):
        Encoder.from_folder(folder, 16)


def test_windows_of_a_tokenizer_with_a_token_beyond_any_vocabulary_are_refused(
    encoder_folder: Path, tmp_path: Path
) -> None:
    folder = copy(encoder_folder, tmp_path)
    edit(folder / "tokenizer.json", lambda content: content["model"]["vocab"].update(good=2**31))
    with pytest.raises(BundleError, match="gives a token the number 2147483648"):
        Encoder.from_folder(folder, 16).windows("a film", "a good film " * 9, 4)
