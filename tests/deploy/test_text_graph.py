"""The file of a bundle that takes texts: its tokens, its answers, and what is refused."""

from __future__ import annotations

import json
import shutil
import sys
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from tokenizers import AddedToken, Tokenizer, models, pre_tokenizers, processors, trainers

from compressor import runtime
from compressor.deploy.bundle import BundlePlan, write_bundle
from compressor.deploy.text_graph import add
from compressor.deploy.text_graph.strings import difficult_strings
from compressor.errors import BundleError, MissingExtra, StageError, VerificationFailed
from compressor.runtime import Encoder, load_text_graph
from tests import tiny
from tests.command import compressor
from tests.deploy.models import LABELS, MAX_LENGTH

extensions = pytest.mark.usefixtures("extensions_installed")
EXAMPLES = [{"text": text} for text, _ in tiny.reviews(4)]


@pytest.fixture(scope="session")
def extensions_installed() -> None:
    pytest.importorskip("onnxruntime_extensions")


@pytest.fixture(scope="session")
def plan(exported: tuple[Path, dict[str, Any]]) -> BundlePlan:
    return BundlePlan(
        name="tiny",
        task="text-classification",
        labels=LABELS,
        max_length=MAX_LENGTH,
        variants={"fp32": exported[0]},
        chosen="fp32",
        examples=EXAMPLES,
        tokenizer_in_graph=True,
    )


@pytest.fixture(scope="session")
def written(extensions_installed: None, plan: BundlePlan, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle with such a file. Read only."""
    out = tmp_path_factory.mktemp("from_text") / "bundle"
    write_bundle(plan, out, card="# tiny\n")
    return out


def test_the_file_is_in_the_manifest_with_what_was_compared(written: Path) -> None:
    manifest = runtime.Manifest.read(written)
    assert manifest.text_graph is not None
    assert manifest.text_graph.file == "onnx/model_from_text.onnx"
    assert (manifest.text_graph.variant, manifest.text_graph.strings, manifest.text_graph.differing) == (
        "fp32",
        1000,
        0,
    )
    assert manifest.text_graph.file in manifest.files


def test_texts_are_answered_as_by_the_bundle_alone_and_in_batches(written: Path) -> None:
    texts = ["", "a gripping, FUNNY film!", "x" * 300, "  the\u200b ple\u0301ot 中 wxyz w1abz  [SEP] \t", "good " * 90]
    mine, theirs = load_text_graph(written), runtime.load(written)
    for batch_size in (1, 5):
        for answer, wanted in zip(
            mine.predict(texts, batch_size=batch_size), theirs.predict(texts, batch_size=batch_size), strict=True
        ):
            assert answer.to_dict()["scores"] == pytest.approx(wanted.to_dict()["scores"], abs=1e-6)


def test_verify_asks_it_the_golden_texts(written: Path) -> None:
    assert runtime.verify(written).text_graph == pytest.approx(0.0, abs=1e-6)
    assert "takes texts" in compressor("verify", written).succeeds().out


def test_a_file_that_answers_otherwise_fails_the_test(written: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = runtime.Session.run
    monkeypatch.setattr(
        runtime.Session, "run", lambda session, inputs: [a + ("text" in inputs) for a in run(session, inputs)]
    )
    with pytest.raises(VerificationFailed, match=r"model_from_text\.onnx: The variant fp32 answers"):
        runtime.verify(written)


@extensions
def test_a_byte_level_bpe_has_the_same_tokens_in_the_graph(tmp_path: Path) -> None:
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    trainer = trainers.BpeTrainer(
        vocab_size=400,
        special_tokens=["<s>", "<pad>", "</s>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator([text for text, _ in tiny.reviews(60)], trainer)
    tokenizer.post_processor = processors.RobertaProcessing(("</s>", 2), ("<s>", 0), add_prefix_space=False)
    parity = compared(write(tokenizer, tmp_path, pad_token="<pad>"), tmp_path)
    assert (parity.strings, parity.differing) == (1000, 0)


@pytest.fixture
def fewer_strings(monkeypatch: pytest.MonkeyPatch) -> None:
    """A fifth of the strings, for what shows in few."""
    monkeypatch.setattr(add, "difficult_strings", partial(difficult_strings, count=200))


@extensions
@pytest.mark.usefixtures("fewer_strings")
def test_long_texts_and_padding_may_lose_and_gain_tokens_on_the_left(written: Path, tmp_path: Path) -> None:
    tokenizer = Tokenizer.from_file(str(written / "tokenizer.json"))
    folder = write(tokenizer, tmp_path, pad_token="[PAD]", padding_side="left", truncation_side="left")
    assert compared(folder, tmp_path, max_length=6).differing == 0


@extensions
@pytest.mark.usefixtures("fewer_strings")
def test_a_tokenizer_that_the_operators_follow_only_nearly_is_refused_or_told(
    plan: BundlePlan, tmp_path: Path, exported: tuple[Path, dict[str, Any]]
) -> None:
    """A word that is a token of its own however it is written: the graph looks for its spelling alone."""
    source = Path(shutil.copytree(exported[0], tmp_path / "source"))
    tokenizer = Tokenizer.from_file(str(source / "tokenizer.json"))
    tokenizer.add_tokens([AddedToken("nato", normalized=True)])
    tokenizer.save(str(source / "tokenizer.json"))
    near = replace(plan, variants={"fp32": source})
    with pytest.raises(StageError, match=r"cuts \d+ of 200 difficult strings otherwise.*NATO"):
        write_bundle(near, tmp_path / "refused", card="")
    write_bundle(replace(near, tokenizer_in_graph="close"), tmp_path / "bundle", card="")
    found = runtime.Manifest.read(tmp_path / "bundle").text_graph
    assert found is not None and 0 < found.differing < 200 and "nato" in found.first.lower()


@extensions
def test_kinds_that_the_operators_do_not_know_are_refused(tmp_path: Path) -> None:
    tokenizer = Tokenizer(models.Unigram([("<unk>", 0.0), ("a", -1.0)], unk_id=0))
    with pytest.raises(StageError, match="Unigram can't be put into the graph"):
        compared(write(tokenizer, tmp_path), tmp_path)


def test_without_the_package_the_extra_is_named(
    plan: BundlePlan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "onnxruntime_extensions", None)
    with pytest.raises(MissingExtra, match=r"compressor\[extensions\]"):
        write_bundle(plan, tmp_path / "bundle", card="")


def test_a_bundle_without_such_a_file_says_so(plan: BundlePlan, tmp_path: Path) -> None:
    write_bundle(replace(plan, tokenizer_in_graph=False), tmp_path / "bundle", card="")
    with pytest.raises(BundleError, match="no file that takes texts"):
        load_text_graph(tmp_path / "bundle")
    assert runtime.verify(tmp_path / "bundle").text_graph is None


def test_difficult_strings_are_the_same_each_time_and_all_differ() -> None:
    strings = difficult_strings(["[SEP]"])
    assert strings == difficult_strings(["[SEP]"])
    assert len(set(strings)) == 1000 and {"", "[SEP]"} <= set(strings)
    joined = "".join(strings)
    for character in "\u0301\u200b\u3000漢한é\x01😀":
        assert character in joined
    assert "\0" not in joined
    assert max(len(word) for text in strings for word in text.split()) > 200


def write(tokenizer: Tokenizer, folder: Path, **settings: Any) -> Path:
    tokenizer.save(str(folder / "tokenizer.json"))
    (folder / "tokenizer_config.json").write_text(json.dumps(settings), encoding="utf-8")
    return folder


def compared(folder: Path, work: Path, *, max_length: int = 32) -> add.Parity:
    encoder = Encoder.from_folder(folder, max_length)
    nodes, inputs = add.tokenizer_graph(folder / "tokenizer.json", encoder)
    return add.compare_tokens(nodes, inputs, encoder, work / "tokens.onnx", opset=20)
