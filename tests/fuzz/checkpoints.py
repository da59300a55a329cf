"""Spoilt model folders: their settings, tokenizers, weights and indexes, loaded as an export-only recipe loads them."""

from __future__ import annotations

import functools
import json
import random
import shutil
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

from compressor.chain.models import fetch_models, model_source
from compressor.distill.student import make_student
from compressor.recipe.student import StudentSection
from compressor.report.console import console_events
from compressor.tasks import get_task
from tests import tiny
from tests.fuzz.bundles import replace, spoil_json
from tests.fuzz.case import Call, Case, randomness
from tests.fuzz.raw import spoil_bytes

__all__ = ["make", "prepare"]

_KINDS = ("bert", "gpt", "shards")
_WEIGHTS = "model.safetensors"


def prepare(bases: Path) -> None:
    """A classifier, a decoder that classifies, and the first in two shards."""
    for kind in _KINDS:
        (bases / kind).mkdir()
    tiny.write_encoder(bases / "bert", layers=1, labels=["bad", "good"])
    tiny.write_decoder(bases / "gpt", layers=1)
    get_task("text-classification").load_model(bases / "gpt", ["bad", "good"]).save_pretrained(bases / "gpt")
    tiny.write_encoder(bases / "shards", layers=1, labels=["bad", "good"])
    _part(bases / "shards")
    for kind in _KINDS:
        load(bases / kind, bases / f"{kind}-loaded")


def make(seed: int, bases: Path, folder: Path) -> Case:
    """A spoilt model folder, loaded."""
    chance = randomness("checkpoints", seed)
    kind = chance.choice(_KINDS)
    model = Path(shutil.copytree(bases / kind, folder / "model"))
    told = [_spoil(chance, model, bases) for _ in range(chance.choice([1, 1, 1, 2]))]
    call = functools.partial(load, model, folder / "out")
    call.__name__ = f"load {model}"  # type: ignore[attr-defined]
    calls: tuple[Call, ...] = (call,)
    return Case(f"{kind}: {'; '.join(told)}", (str(model),), calls)


def load(model: Path, out: Path) -> None:
    """What an export-only recipe does first: look at the folder, load the model, write it and its tokenizer."""
    section = StudentSection(init=str(model))
    with console_events() as events:
        fetched = fetch_models({"init": model_source(str(model), section)}, section, events)["init"]
        make_student(
            section,
            task=get_task("text-classification"),
            init_folder=fetched,
            data=None,
            trained=False,
            seed=1,
            trust_remote_code=False,
            out=out,
            events=events,
        )


def _spoil(chance: random.Random, model: Path, bases: Path) -> str:
    names = sorted(path.name for path in model.iterdir() if path.is_file() and path.stat().st_size <= 1 << 20)
    name = chance.choice([*names, *(one for one in names if one.endswith((".safetensors", "config.json")))])
    file, way = model / name, chance.random()
    if way < 0.15:
        return f"{name}: {replace(chance, file, bases)}"
    if name.endswith(".json") and way < 0.85:
        return f"{name}: {spoil_json(chance, file)}"
    if name.endswith(".safetensors") and way < 0.75:
        return f"{name}: {_spoil_header(chance, file)}"
    content, how = spoil_bytes(chance, file.read_bytes())
    file.write_bytes(content)
    return f"{name}: {how}"


def _spoil_header(chance: random.Random, file: Path) -> str:
    """Weights that say something else of themselves: a JSON header behind its length in 8 bytes, then the numbers."""
    content = file.read_bytes()
    (length,) = struct.unpack("<Q", content[:8])
    try:
        header: dict[str, Any] = json.loads(content[8 : 8 + length])
    except ValueError:
        return "no weights any more"
    name = chance.choice([name for name in header if name != "__metadata__"])
    tensor = header[name]
    begin, end = tensor["data_offsets"]
    ways: tuple[Callable[[], Any], ...] = (
        lambda: tensor.update(dtype=chance.choice(["F16", "I64", "BOOL", "F8_E4M3", "X", "", 7])),
        lambda: tensor.update(shape=chance.choice([[], [0], [-1, 32], [2**40, 2**40], [1] * 40, "x"])),
        lambda: tensor.update(data_offsets=chance.choice([[0, 0], [end, begin], [0, 2**62], [-1, end], [begin]])),
        lambda: header.pop(name),
        lambda: header.update({chance.choice(["../x", "", "\0", "x" * 5_000, "bert.new"]): tensor}),
        lambda: header.update({"__metadata__": chance.choice([None, {}, {"format": "tf"}, {"format": 7}, {"a": "b"}])}),
        lambda: header.update({f"more.{number}": tensor for number in range(3_000)}),
        lambda: tensor.update(shape=list(reversed(tensor["shape"]))),
    )
    way = chance.randrange(len(ways))
    ways[way]()
    text = json.dumps(header).encode()
    claimed = chance.choice([len(text)] * 8 + [0, 1, len(text) - 1, 2**31, 2**63])
    numbers = content[8 + length :]
    if chance.random() < 0.2:
        numbers = struct.pack("<f", chance.choice([float("nan"), float("inf"), 1e38])) * (len(numbers) // 4)
    file.write_bytes(struct.pack("<Q", claimed) + text + numbers)
    return f"header, way {way}, said to be {claimed} bytes"


def _part(model: Path) -> None:
    """Two shards and an index of them."""
    from safetensors.numpy import load_file, save_file

    weights = load_file(model / _WEIGHTS)
    names = sorted(weights)
    shards = {"one.safetensors": names[::2], "two.safetensors": names[1::2]}
    for shard, held in shards.items():
        save_file({name: weights[name] for name in held}, model / shard, {"format": "pt"})
    index = {"metadata": {}, "weight_map": {name: shard for shard, held in shards.items() for name in held}}
    (model / f"{_WEIGHTS}.index.json").write_text(json.dumps(index), encoding="utf-8")
    (model / _WEIGHTS).unlink()
