"""Tiny wheels, and a pip that can see nothing else."""

from __future__ import annotations

import os
import zipfile
from pathlib import Path

import pytest

FILES = {
    "tiny_model/weights/config.json": b'{"model_type": "bert"}',
    "tiny_model/weights/model.safetensors": b"weights " * 1000,
    "tiny_model/data/reviews.csv": b"text,label\ngood film,good\n",
    "tiny_model/__init__.py": b"raise SystemExit('the code of a wheel must never run')\n",
}


def write_wheel(
    folder: Path, files: dict[str, bytes] = FILES, *, name: str = "tiny_model", version: str = "1.0", metadata: str = ""
) -> Path:
    """A wheel that pip accepts, holding `files` as they are named, unsafe names included; `metadata` are further
    lines."""
    folder.mkdir(parents=True, exist_ok=True)
    information = f"{name}-{version}.dist-info"
    package = {
        f"{information}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n{metadata}".encode(),
        f"{information}/WHEEL": b"Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{information}/RECORD": b"",
    }
    path = folder / f"{name}-{version}-py3-none-any.whl"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for member, content in {**files, **package}.items():
            archive.writestr(member, content)
    return path


def only_from(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let pip find what lies in `folder`, and nothing else: no index, no configuration of this machine."""
    for variable in [name for name in os.environ if name.startswith("PIP_")]:
        monkeypatch.delenv(variable)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_NO_CACHE_DIR", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
