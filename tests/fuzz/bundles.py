"""Spoilt bundles: files of a good one are cut, changed, replaced or taken away; some are sealed again."""

from __future__ import annotations

import json
import os
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.fuzz.case import Call, Case, randomness
from tests.fuzz.raw import spoil_bytes
from tests.fuzz.values import spoil_tree
from tests.runtime import bundles

__all__ = ["make", "prepare", "replace", "spoil_json"]

_KINDS = ("single", "pairs")
DEEP = '{"a":' * 100_000


def prepare(bases: Path) -> None:
    """A bundle for single texts and one for pairs."""
    for kind in _KINDS:
        (bases / kind).mkdir()
        bundles.write(bases / kind, pairs=kind == "pairs")


def make(seed: int, bases: Path, folder: Path) -> Case:
    """A spoilt bundle, and some of the commands that take one."""
    chance = randomness("bundles", seed)
    kind = chance.choice(_KINDS)
    bundle = bundles.copy(bases / kind / "bundle", folder)
    told = [_spoil(chance, bundle, bases) for _ in range(chance.choice([1, 1, 1, 2]))]
    if chance.random() < 0.6:
        told.append("sealed again" if _seal(bundle) else "can't be sealed again")
    texts = ("a good film", *(("--pair", "a bad film") if kind == "pairs" else ()))
    every: list[Call] = [
        ("predict", bundle, *texts),
        ("verify", bundle),
        ("sbom", bundle),
        ("push", bundle, "owner/name"),
        ("predict", bundle, *texts, "--variant", "fp32", "--format", "json"),
    ]
    calls = every[:2] if chance.random() < 0.7 else [chance.choice(every[2:])]
    return Case(f"{kind}: {'; '.join(told)}", (str(bundle),), tuple(calls))


def _spoil(chance: random.Random, bundle: Path, bases: Path) -> str:
    whole = (path for path in bundle.rglob("*") if path.is_file() and path.stat().st_size <= 1 << 20)
    names = sorted(str(path.relative_to(bundle)) for path in whole)
    likely = [name for name in names if not name.endswith(".md")] or names
    # Everything hangs on the manifest and the tokenizer, and there are several graphs.
    name = chance.choice([*likely, *[one for one in likely if one.startswith(("manifest", "tokenizer"))] * 2])
    file = bundle / name
    way = chance.random()
    if way < 0.2:
        return f"{name}: {replace(chance, file, bases)}"
    if name.endswith(".json") and way < 0.75:
        return f"{name}: {spoil_json(chance, file)}"
    if name.endswith(".onnx") and way < 0.6:
        return f"{name}: {_spoil_graph(chance, file)}"
    content, how = spoil_bytes(chance, file.read_bytes())
    file.write_bytes(content)
    return f"{name}: {how}"


def spoil_json(chance: random.Random, file: Path) -> str:
    """A JSON file with some of its values changed."""
    try:
        tree = json.loads(file.read_text(encoding="utf-8"))
    except (ValueError, RecursionError):
        return "no JSON any more"
    told = [spoil_tree(chance, tree) for _ in range(chance.choice([1, 1, 2, 5]))]
    file.write_text(json.dumps(tree, ensure_ascii=chance.random() < 0.5), encoding="utf-8", errors="replace")
    return "; ".join(told)


def replace(chance: random.Random, file: Path, bases: Path) -> str:
    """A file replaced by what has no place there."""
    outside = bases.parent / "around" / "precious.txt"
    ways: dict[str, Callable[[], object]] = {
        "is gone": lambda: None,
        "is a folder": file.mkdir,
        "is a link to nowhere": lambda: file.symlink_to("nowhere"),
        "is a link to itself": lambda: file.symlink_to(file.name),
        "is a link outside": lambda: file.symlink_to(outside),
        "is a named pipe": lambda: os.mkfifo(file),
        "is a device": lambda: file.symlink_to("/dev/zero"),
        "is empty": lambda: file.write_bytes(b""),
        "is deep": lambda: file.write_text(DEEP, encoding="utf-8"),
        "is a list": lambda: file.write_text("[]", encoding="utf-8"),
        "is nothing known": lambda: file.write_bytes(chance.randbytes(3_000)),
        "has holes": lambda: _sparse(file, chance.choice([300 << 20, 5 << 30])),
    }
    way = chance.choice(list(ways))
    file.unlink(missing_ok=True)
    ways[way]()
    return way


def _sparse(file: Path, size: int) -> None:
    with file.open("wb") as opened:
        opened.truncate(size)


def _seal(bundle: Path) -> bool:
    """Let the manifest agree with the files, where it can still be read; what has no end isn't hashed."""
    if not all(path.is_dir() or (path.is_file() and path.stat().st_size <= 1 << 20) for path in bundle.rglob("*")):
        return False
    try:
        bundles.seal_again(bundle)
    except (ValueError, KeyError, TypeError, AttributeError, OSError, RecursionError):
        return False
    return True


def _spoil_graph(chance: random.Random, file: Path) -> str:
    """A graph that can be read, and whose parts don't fit."""
    import onnx
    from google.protobuf.message import DecodeError  # type: ignore[import-untyped]

    try:
        model = onnx.load(file)
    except (DecodeError, OSError):
        return "no graph any more"
    graph = model.graph
    if not graph.node or not graph.initializer:
        return "an empty graph"
    node, tensor = chance.choice(graph.node), chance.choice(graph.initializer)
    ways: tuple[Callable[[], Any], ...] = (
        lambda: tensor.dims.append(chance.choice([0, -1, 2**40])),
        lambda: tensor.dims.__setitem__(0, chance.choice([0, -5, 2**31, 2**62])) if tensor.dims else None,
        lambda: setattr(tensor, "data_type", chance.choice([0, 1, 7, 8, 999])),
        lambda: setattr(tensor, "raw_data", tensor.raw_data[: chance.randrange(len(tensor.raw_data) + 1)]),
        lambda: setattr(tensor, "raw_data", chance.randbytes(len(tensor.raw_data))),
        lambda: setattr(tensor, "name", "elsewhere"),
        lambda: setattr(node, "op_type", chance.choice(["Loop", "If", "Nothing", "MatMul", "Reshape", "Tile"])),
        lambda: setattr(node, "domain", "evil.domain"),
        lambda: node.input.append("nowhere"),
        lambda: node.input.__setitem__(0, chance.choice(["", node.output[0], "input_ids"])) if node.input else None,
        lambda: graph.node.remove(node),
        lambda: graph.node.append(node),
        lambda: setattr(graph.input[0], "name", "other"),
        lambda: setattr(graph.output[0], "name", "nothing"),
        lambda: setattr(graph.input[0].type.tensor_type, "elem_type", chance.choice([1, 8, 10])),
        lambda: setattr(model, "ir_version", chance.choice([0, 1, 99, 2**60])),
        lambda: setattr(model.opset_import[0], "version", chance.choice([0, 1, 99, 2**40])),
        lambda: _external(tensor, chance.choice(["../precious.txt", "/etc/passwd", "model.onnx", "golden.json"])),
    )
    way = chance.randrange(len(ways))
    try:
        ways[way]()
    except (ValueError, TypeError) as error:
        return f"way {way}: {error}"
    file.write_bytes(model.SerializeToString())
    return f"a graph whose parts don't fit, way {way}"


def _external(tensor: Any, place: str) -> None:
    """Weights that are said to be in another file."""
    tensor.ClearField("raw_data")
    tensor.data_location = 1
    for key, value in (("location", place), ("offset", "0"), ("length", "16")):
        entry = tensor.external_data.add()
        entry.key, entry.value = key, value
