"""Model folders that must not be loaded."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from compressor.errors import SourceError, UnsafeSource
from compressor.sources.safety import HOW_TO_CONVERT, check_model_folder


@pytest.fixture
def model(classifier_folder: Path, tmp_path: Path) -> Path:
    """A whole model folder that a test may spoil."""
    return Path(shutil.copytree(classifier_folder, tmp_path / "model"))


def edit(path: Path, **changes: Any) -> None:
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


def test_a_whole_safetensors_folder_passes(model: Path) -> None:
    check_model_folder(model, trust_remote_code=False)


def test_pickle_beside_safetensors_passes_because_it_is_never_read(model: Path) -> None:
    (model / "pytorch_model.bin").write_bytes(b"pickle")
    check_model_folder(model, trust_remote_code=False)


@pytest.mark.parametrize(
    "name", ["pytorch_model.bin", "pytorch_model-00001-of-00002.bin", "model.pt", "last.ckpt", "model.pth"]
)
@pytest.mark.parametrize("trusted", [False, True])
def test_pickle_alone_is_refused_even_when_code_is_trusted(model: Path, name: str, trusted: bool) -> None:
    (model / "model.safetensors").rename(model / name)
    with pytest.raises(UnsafeSource, match=name) as caught:
        check_model_folder(model, trust_remote_code=trusted)
    assert "weights_only=True" in str(caught.value.hint)


def test_the_advice_on_converting_works(model: Path) -> None:
    import torch
    from safetensors.torch import load_file

    weights = load_file(model / "model.safetensors")
    weights["shared"] = weights["classifier.bias"]  # tied weights: safetensors refuses them as they are
    torch.save(weights, model / "pytorch_model.bin")
    (model / "model.safetensors").unlink()
    command = shlex.split(HOW_TO_CONVERT.removeprefix("Convert it once: "))
    done = subprocess.run([sys.executable, *command[1:]], cwd=model, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    check_model_folder(model, trust_remote_code=False)
    converted = load_file(model / "model.safetensors")
    assert all(torch.equal(converted[name], tensor) for name, tensor in weights.items())


@pytest.mark.parametrize("file", ["config.json", "tokenizer_config.json"])
@pytest.mark.parametrize("key", ["auto_map", "custom_pipelines"])
def test_code_that_comes_with_the_model_is_refused_unless_trusted(model: Path, file: str, key: str) -> None:
    edit(model / file, **{key: {"AutoModel": "modeling.Custom"}})
    with pytest.raises(UnsafeSource) as caught:
        check_model_folder(model, trust_remote_code=False)
    assert file in caught.value.message
    assert "modeling.Custom" in caught.value.message
    assert "trust_remote_code: true" in str(caught.value.hint)
    check_model_folder(model, trust_remote_code=True)


def test_a_folder_without_configuration_points_to_the_one_that_has_it(model: Path) -> None:
    with pytest.raises(SourceError, match=r"no config\.json in it\. There is one in model\."):
        check_model_folder(model.parent, trust_remote_code=False)


def test_what_is_no_folder_is_said(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="not a folder"):
        check_model_folder(tmp_path / "absent", trust_remote_code=False)


@pytest.mark.parametrize("content", ["{", "[]", "\xff"])
def test_an_unreadable_configuration_is_a_source_error(model: Path, content: str) -> None:
    (model / "config.json").write_bytes(content.encode("latin-1"))
    with pytest.raises(SourceError, match=r"config\.json"):
        check_model_folder(model, trust_remote_code=False)


def test_missing_weights_list_what_is_there(model: Path) -> None:
    (model / "model.safetensors").rename(model / "model.onnx")
    with pytest.raises(SourceError, match=r"no weights") as caught:
        check_model_folder(model, trust_remote_code=False)
    assert "model.onnx" in str(caught.value.hint)


def test_every_shard_must_be_there(model: Path) -> None:
    shards = [f"model-0000{i}-of-00002.safetensors" for i in (1, 2)]
    for name in shards:
        shutil.copy(model / "model.safetensors", model / name)
    (model / "model.safetensors").unlink()
    index = {"weight_map": {"a": shards[0], "b": shards[1]}}
    (model / "model.safetensors.index.json").write_text(json.dumps(index))
    check_model_folder(model, trust_remote_code=False)
    (model / shards[1]).unlink()
    with pytest.raises(SourceError, match=f"missing in .*: {shards[1]}"):
        check_model_folder(model, trust_remote_code=False)


def test_weights_that_were_cut_short_are_noticed(model: Path) -> None:
    content = (model / "model.safetensors").read_bytes()
    (model / "model.safetensors").write_bytes(content[:-100])
    with pytest.raises(SourceError, match=r"model\.safetensors is not a whole safetensors file"):
        check_model_folder(model, trust_remote_code=False)


def test_a_git_lfs_pointer_says_how_to_get_the_weights(model: Path) -> None:
    (model / "model.safetensors").write_text("version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 9\n")
    with pytest.raises(SourceError, match="git lfs pull"):
        check_model_folder(model, trust_remote_code=False)


def test_a_kernel_of_a_hub_is_refused_as_code_unless_trusted(model: Path) -> None:
    edit(model / "config.json", _attn_implementation="kernels-community/flash-attn")
    with pytest.raises(UnsafeSource, match="kernels-community/flash-attn"):
        check_model_folder(model, trust_remote_code=False)
    check_model_folder(model, trust_remote_code=True)


@pytest.mark.parametrize("trusted", [False, True])
def test_sizes_that_no_model_has_are_refused_at_once(model: Path, trusted: bool) -> None:
    edit(model / "config.json", num_hidden_layers=10**9)
    with pytest.raises(SourceError, match="num_hidden_layers is 1000000000"):
        check_model_folder(model, trust_remote_code=trusted)


@pytest.mark.parametrize("name", ["config.json", "tokenizer_config.json", "special_tokens_map.json"])
@pytest.mark.parametrize("content", ['{"a":' * 100_000, '{"a": ' + "9" * 5_000 + "}"], ids=["deep", "digits"])
def test_json_beyond_the_limits_is_a_source_error(model: Path, name: str, content: str) -> None:
    (model / name).write_text(content, encoding="utf-8")
    with pytest.raises(SourceError, match=f"{name} can't be read"):
        check_model_folder(model, trust_remote_code=False)


def test_an_index_of_shards_leads_nowhere_else(model: Path) -> None:
    (model / "model.safetensors").rename(model.parent / "elsewhere.safetensors")
    names: list[Any] = ["../elsewhere.safetensors", ["a list"], "x" * 5_000]
    (model / "model.safetensors.index.json").write_text(json.dumps({"weight_map": dict(enumerate(names))}))
    with pytest.raises(SourceError, match=r"missing in .*\.\./elsewhere"):
        check_model_folder(model, trust_remote_code=False)


def test_an_adapter_is_not_left_out_silently(model: Path) -> None:
    (model / "adapter_config.json").write_text("{}", encoding="utf-8")
    with pytest.raises(SourceError, match="adapter") as caught:
        check_model_folder(model, trust_remote_code=False)
    assert "merge_and_unload" in str(caught.value.hint)


def test_a_folder_with_a_gguf_file_passes_where_it_is_named(tmp_path: Path) -> None:
    (tmp_path / "small.gguf").write_bytes(b"GGUF" + bytes(20))
    check_model_folder(tmp_path, trust_remote_code=False, gguf_file="small.gguf")
    with pytest.raises(SourceError, match=r"no config\.json"):
        check_model_folder(tmp_path, trust_remote_code=False)


@pytest.mark.parametrize(
    ("name", "said"),
    [("large.gguf", "There is no GGUF file"), ("../small.gguf", "There is no"), ("fake.gguf", "is no GGUF")],
)
def test_what_is_no_gguf_file_of_the_folder_is_refused(tmp_path: Path, name: str, said: str) -> None:
    folder = tmp_path / "model"
    folder.mkdir()
    (tmp_path / "small.gguf").write_bytes(b"GGUF")
    (folder / "fake.gguf").write_bytes(b"PK\x03\x04")
    with pytest.raises(SourceError, match=said):
        check_model_folder(folder, trust_remote_code=False, gguf_file=name)


def test_code_beside_a_gguf_file_is_refused_all_the_same(tmp_path: Path) -> None:
    (tmp_path / "small.gguf").write_bytes(b"GGUF")
    (tmp_path / "config.json").write_text(json.dumps({"auto_map": {"AutoConfig": "evil.Config"}}))
    with pytest.raises(UnsafeSource):
        check_model_folder(tmp_path, trust_remote_code=False, gguf_file="small.gguf")


@pytest.mark.parametrize("name", ["tokenizer.json", "vocab.txt", "anything.json"])
def test_a_file_that_would_be_read_whole_and_has_no_end_is_refused(model: Path, name: str) -> None:
    with (model / name).open("wb") as file:
        file.truncate(300 << 20)
    with pytest.raises(SourceError, match=f"{name} is larger than 256 MiB"):
        check_model_folder(model, trust_remote_code=False)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
def test_a_named_pipe_in_a_model_folder_is_refused_and_not_waited_for(model: Path) -> None:
    os.mkfifo(model / "special_tokens.txt")
    with pytest.raises(SourceError, match=r"special_tokens\.txt is not a plain file"):
        check_model_folder(model, trust_remote_code=False)


@pytest.mark.parametrize("number", [5_000_000, 2**31, 10**200])
def test_a_token_with_a_number_beyond_any_vocabulary_is_refused(model: Path, number: int) -> None:
    content = json.loads((model / "tokenizer.json").read_text(encoding="utf-8"))
    content["model"]["vocab"]["good"] = number
    (model / "tokenizer.json").write_text(json.dumps(content), encoding="utf-8")
    with pytest.raises(SourceError, match=r"tokenizer\.json gives a token the number"):
        check_model_folder(model, trust_remote_code=False)
