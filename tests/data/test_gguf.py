from __future__ import annotations

from pathlib import Path

import pytest

from compressor.data import gguf
from compressor.data.gguf import checkpoint_of_gguf
from compressor.data.language_model import load_language_model
from compressor.errors import MissingExtra, SourceError
from compressor.events import Silent
from tests.gguf_file import HIDDEN, LAYERS, WIDTH, write_gguf


@pytest.fixture(autouse=True)
def own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COMPRESSOR_HOME", str(tmp_path / "home"))


def test_a_gguf_file_becomes_an_ordinary_checkpoint_without_a_word(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    folder = checkpoint_of_gguf(write_gguf(tmp_path / "small.gguf"), Silent())
    model, tokenizer = load_language_model(folder, trust_remote_code=False)
    assert (model.config.hidden_size, model.config.intermediate_size) == (WIDTH, HIDDEN)
    assert model.config.num_hidden_layers == LAYERS
    assert tokenizer.decode(tokenizer("a good film")["input_ids"], skip_special_tokens=True) == "a good film"
    assert model.generate(**tokenizer("a", return_tensors="pt"), max_new_tokens=3).shape[1] > 1
    assert capfd.readouterr().err == "", "the progress bar that transformers draws is not the user's"


def test_it_is_read_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = write_gguf(tmp_path / "small.gguf")
    folder = checkpoint_of_gguf(file, Silent())
    monkeypatch.setattr(gguf, "find_spec", lambda name: None)
    assert checkpoint_of_gguf(file, Silent()) == folder


def test_without_the_package_the_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gguf, "find_spec", lambda name: None)
    with pytest.raises(MissingExtra, match="needs the extra 'gguf'"):
        checkpoint_of_gguf(write_gguf(tmp_path / "small.gguf"), Silent())


def test_a_file_that_is_cut_short_is_refused(tmp_path: Path) -> None:
    file = write_gguf(tmp_path / "small.gguf")
    file.write_bytes(file.read_bytes()[:2000])
    with pytest.raises(SourceError):
        checkpoint_of_gguf(file, Silent())
    assert not list((tmp_path / "home" / "downloads" / "gguf").glob("*")), "nothing half-made is kept"
