"""Exporting: every architecture, quietly, and only finished models."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from compressor.deploy.export import export
from compressor.errors import DataError, SourceError, StageError
from compressor.events import Silent
from compressor.recipe.export import ExportSection
from compressor.runtime.encoder import Encoder
from compressor.runtime.session import open_session
from compressor.tasks import get_task
from tests import tiny
from tests.deploy.models import MAX_LENGTH, write_classifier

EXAMPLES = [{"text": text, "label": label} for text, label in tiny.reviews(12)]


class Notes(Silent):
    def __init__(self) -> None:
        self.notes: list[str] = []

    def note(self, message: str) -> None:
        self.notes.append(message)


def run(model: Path, out: Path, **settings: Any) -> tuple[dict[str, Any], list[str]]:
    events = Notes()
    facts = export(
        ExportSection(**settings),
        task=get_task("text-classification"),
        model_folder=model,
        examples=EXAMPLES,
        max_length=MAX_LENGTH,
        out=out,
        events=events,
    )
    return facts, events.notes


def test_facts_say_what_was_compared(exported: tuple[Path, dict[str, Any]]) -> None:
    folder, facts = exported
    parity = facts["parity"]
    assert parity["max_abs_difference"] < 1e-4
    assert parity["argmax_agreement"] == 1
    assert {batch for batch, _ in parity["shapes"]} == {1, 3, 8}
    assert len({sequence for _, sequence in parity["shapes"]}) >= 3
    assert max(sequence for _, sequence in parity["shapes"]) == MAX_LENGTH
    assert facts["size_mb"] == pytest.approx((folder / "model.onnx").stat().st_size / 1e6, abs=1e-3)
    assert facts["parameters"] > 0
    assert facts["nodes"] == sum(facts["operators"].values())
    json.dumps(facts)


def test_the_folder_holds_what_a_client_needs(exported: tuple[Path, dict[str, Any]]) -> None:
    folder, _ = exported
    assert {file.name for file in folder.iterdir()} == {
        "config.json",
        "model.onnx",
        "tokenizer.json",
        "tokenizer_config.json",
    }
    assert json.loads((folder / "config.json").read_text())["id2label"] == {"0": "bad", "1": "good"}
    tokenizer = json.loads((folder / "tokenizer.json").read_text())
    assert (tokenizer["truncation"], tokenizer["padding"]) == (None, None)
    assert "local_files_only" not in json.loads((folder / "tokenizer_config.json").read_text())


@pytest.mark.parametrize(
    ("architecture", "settings", "attention"),
    [
        ("distilbert", {"attention": "sdpa", "opset": 18}, "sdpa"),
        ("mpnet", {"attention": "sdpa"}, "eager"),  # It has no choice, and says so.
        ("gpt2", {}, "eager"),
        ("qwen2", {}, "eager"),
        ("static-embeddings", {}, "eager"),
    ],
)
def test_a_text_gets_the_same_answer_alone_and_in_a_padded_batch(
    architecture: str, settings: dict[str, Any], attention: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    handlers = list(logging.root.handlers)
    model = write_classifier(tmp_path / "model", architecture)
    capfd.readouterr()
    facts, notes = run(model, tmp_path / "out", **settings)
    assert tuple(capfd.readouterr()) == ("", "")
    assert logging.root.handlers == handlers
    assert facts["attention"] == attention
    assert any("no sdpa attention" in note for note in notes) == (settings.get("attention") not in (None, attention))
    assert facts["opset"] == settings.get("opset", facts["opset"])

    texts = ["good", "a very long and really dull story about nothing w1 w2 w3 w4"]
    session = open_session(tmp_path / "out" / "model.onnx")
    encoder = Encoder.from_folder(tmp_path / "out", MAX_LENGTH)
    (both,) = session.run(encoder.encode(texts))
    alone = np.concatenate([session.run(encoder.encode([text]))[0] for text in texts])
    np.testing.assert_allclose(both, alone, atol=1e-4)
    assert np.abs(both[0] - both[1]).max() > 1e-2
    assert ("token_type_ids" in facts["inputs"]) == (architecture == "gpt2")
    assert json.loads((tmp_path / "out" / "config.json").read_text())["pad_token_id"] is not None


def test_the_same_model_gives_the_same_bytes(bert: Path, exported: tuple[Path, dict[str, Any]], tmp_path: Path) -> None:
    run(bert, tmp_path / "out")
    for file in exported[0].iterdir():
        assert file.read_bytes() == (tmp_path / "out" / file.name).read_bytes(), file.name


def test_a_model_without_a_finished_head_is_refused(encoder_folder: Path, tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="not a finished classifier"):
        run(encoder_folder, tmp_path / "out")


def test_an_opset_nobody_has_is_a_clear_error(bert: Path, tmp_path: Path) -> None:
    with pytest.raises(StageError, match="opset 99"):
        run(bert, tmp_path / "out", opset=99)


def test_a_max_length_beyond_the_model_is_refused(bert: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="at most 64"):
        export(
            ExportSection(),
            task=get_task("text-classification"),
            model_folder=bert,
            examples=[],
            max_length=65,
            out=tmp_path / "out",
            events=Silent(),
        )
