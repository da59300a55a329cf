"""Text classification: whose labels a loaded model answers with, what is tokenized, how answers are scored."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import AutoConfig, AutoModelForSequenceClassification

from compressor.errors import CompressorError, DataError, RecipeError, SourceError, UnsafeSource
from compressor.events import Silent
from compressor.tasks import get_task, load_tokenizer
from tests import tiny

TASK = get_task("text-classification")
TEXTS = ["a good film", "the plot was really dull and the actors cold"]


class Notes(Silent):
    def __init__(self) -> None:
        self.notes: list[str] = []

    def note(self, message: str) -> None:
        self.notes.append(message)


def logits(model: Any, folder: Path, texts: Sequence[str] = TEXTS) -> torch.Tensor:
    tokenizer = load_tokenizer(folder)
    features = TASK.tokenize(tokenizer, {"text": texts}, 32)
    del features["length"]
    rows = [{name: values[i] for name, values in features.items()} for i in range(len(texts))]
    with torch.inference_mode():
        logits: torch.Tensor = model(**TASK.collator(tokenizer)(rows)).logits
        return logits


def copy_of(folder: Path, to: Path, **config: Any) -> Path:
    """The folder with some settings of its config.json changed."""
    shutil.copytree(folder, to)
    settings = json.loads((to / "config.json").read_text())
    (to / "config.json").write_text(json.dumps({**settings, **config}))
    return to


def test_an_unknown_task_names_the_known_ones() -> None:
    with pytest.raises(RecipeError, match=r"no task 'text-clasification'[\s\S]*text-classification"):
        get_task("text-clasification")


def test_a_finished_model_answers_as_it_was_saved(classifier_folder: Path) -> None:
    model = TASK.load_model(classifier_folder, ["bad", "good"], new_head="never")
    reference = AutoModelForSequenceClassification.from_pretrained(classifier_folder)
    assert torch.equal(logits(model, classifier_folder), logits(reference.eval(), classifier_folder))
    assert not model.training
    assert model.dtype == torch.float32


def test_labels_in_another_order_or_case_move_their_rows_along(classifier_folder: Path, tmp_path: Path) -> None:
    straight = TASK.load_model(classifier_folder, ["bad", "good"], new_head="never")
    turned = TASK.load_model(classifier_folder, ["Good ", "BAD"], new_head="never")
    assert turned.config.id2label == {0: "Good ", 1: "BAD"}
    assert torch.equal(logits(turned, classifier_folder), logits(straight, classifier_folder).flip(1))
    three = tiny.write_encoder(tmp_path / "three", labels=["x", "y", "z"])
    cycled = TASK.load_model(three, ["z", "x", "y"], new_head="never")
    plain = TASK.load_model(three, ["x", "y", "z"], new_head="never")
    assert torch.equal(logits(cycled, three), logits(plain, three)[:, [2, 0, 1]])


def test_a_reordered_model_survives_being_saved(classifier_folder: Path, tmp_path: Path) -> None:
    turned = TASK.load_model(classifier_folder, ["good", "bad"], new_head="never")
    turned.save_pretrained(tmp_path)
    again = TASK.load_model(tmp_path, ["bad", "good"], new_head="never")
    assert torch.equal(logits(again, classifier_folder), logits(turned, classifier_folder).flip(1))


@pytest.mark.parametrize("architecture", ["roberta", "distilbert", "mpnet", "electra", "gpt2", "albert"])
def test_the_head_is_found_in_every_architecture(tmp_path: Path, architecture: str) -> None:
    torch.manual_seed(0)
    sizes = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 16}
    other = {
        "distilbert": {"dim": 16, "n_layers": 1, "n_heads": 2, "hidden_dim": 16},
        "gpt2": {"n_embd": 16, "n_layer": 1, "n_head": 2},
        "albert": {**sizes, "embedding_size": 16},
    }
    # As many labels as hidden units: a dense layer before the output has the output's shape then.
    labels = [f"label {i:02}" for i in range(16)]
    config = AutoConfig.for_model(
        architecture, vocab_size=len(tiny.VOCABULARY), pad_token_id=0, bos_token_id=2, eos_token_id=3,
        id2label=dict(enumerate(labels)), label2id={label: i for i, label in enumerate(labels)},
        **other.get(architecture, sizes),
    )  # fmt: skip
    AutoModelForSequenceClassification.from_config(config).save_pretrained(tmp_path)
    tiny.write_tokenizer(tmp_path)
    straight = TASK.load_model(tmp_path, labels, new_head="never")
    turned = TASK.load_model(tmp_path, labels[::-1], new_head="never")
    inputs = {"input_ids": torch.tensor([[2, 7, 9, 3]]), "attention_mask": torch.ones(1, 4, dtype=torch.long)}
    with torch.inference_mode():
        assert torch.equal(turned(**inputs).logits, straight(**inputs).logits.flip(1))


def test_made_up_label_names_are_taken_in_order(classifier_folder: Path, tmp_path: Path) -> None:
    names = {"id2label": {"0": "LABEL_0", "1": "LABEL_1"}, "label2id": {"LABEL_0": 0, "LABEL_1": 1}}
    folder = copy_of(classifier_folder, tmp_path / "generic", **names)
    model = TASK.load_model(folder, ["rotten", "fresh"], new_head="never")
    assert model.config.id2label == {0: "rotten", 1: "fresh"}
    assert torch.equal(logits(model, folder), logits(TASK.load_model(classifier_folder, ["bad", "good"]), folder))


@pytest.mark.parametrize("labels", [["rotten", "fresh"], ["bad", "good", "neutral"]])
def test_other_labels_refuse_a_finished_model_and_renew_the_head_of_one_to_train(
    classifier_folder: Path, labels: list[str]
) -> None:
    with pytest.raises(DataError, match=r"answers bad, good; the data's labels are") as caught:
        TASK.load_model(classifier_folder, labels, new_head="never")
    assert "data.labels" in str(caught.value)
    events = Notes()
    torch.manual_seed(5)
    model = TASK.load_model(classifier_folder, labels, events=events)
    assert events.notes == [f"A new head of the classifier for {len(labels)} outputs: {', '.join(labels)}."]
    assert model.config.num_labels == len(labels)
    saved = load_file(classifier_folder / "model.safetensors")
    assert model.classifier.weight.shape == (len(labels), 32)
    assert not torch.equal(model.classifier.weight[:2], saved["classifier.weight"])
    assert torch.equal(model.bert.embeddings.word_embeddings.weight, saved["bert.embeddings.word_embeddings.weight"])
    torch.manual_seed(5)
    assert torch.equal(TASK.load_model(classifier_folder, labels).classifier.weight, model.classifier.weight)


def test_a_kept_head_is_not_announced_as_new(classifier_folder: Path) -> None:
    events = Notes()
    TASK.load_model(classifier_folder, ["bad", "good"], events=events)
    assert events.notes == []


@pytest.mark.parametrize("labels", [["bad", "good"], ["a", "b", "c"]])
def test_a_bare_encoder_gets_a_head_or_is_refused_as_unfinished(encoder_folder: Path, labels: list[str]) -> None:
    assert logits(TASK.load_model(encoder_folder, labels), encoder_folder).shape == (2, len(labels))
    with pytest.raises(CompressorError, match=r"not a finished classifier|answers LABEL_0, LABEL_1"):
        TASK.load_model(encoder_folder, labels, new_head="never")


def test_loading_prints_nothing_and_leaves_transformers_as_it_was(
    encoder_folder: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    from transformers.utils import logging

    logging.set_verbosity_info()
    logging.enable_progress_bar()
    try:
        TASK.load_model(encoder_folder, ["bad", "good"])
        assert logging.get_verbosity() == logging.INFO
        assert logging.is_progress_bar_enabled()
    finally:
        logging.set_verbosity_warning()
    assert capfd.readouterr() == ("", "")


def test_weights_in_half_precision_are_loaded_in_full(classifier_folder: Path, tmp_path: Path) -> None:
    folder = copy_of(classifier_folder, tmp_path / "half", dtype="bfloat16")
    tensors = load_file(classifier_folder / "model.safetensors")
    save_file(
        {name: tensor.bfloat16() for name, tensor in tensors.items()}, folder / "model.safetensors", {"format": "pt"}
    )
    assert TASK.load_model(folder, ["bad", "good"], new_head="never").dtype == torch.float32


def test_a_checkpoint_without_some_layers_is_never_filled_up_at_random(encoder_folder: Path, tmp_path: Path) -> None:
    folder = copy_of(encoder_folder, tmp_path / "deeper", num_hidden_layers=5)
    with pytest.raises(SourceError, match=r"lacks weights that its config.json describes: bert.encoder.layer.4"):
        TASK.load_model(folder, ["bad", "good"])


def test_an_encoder_without_its_pooler_can_be_trained(encoder_folder: Path, tmp_path: Path) -> None:
    folder = copy_of(encoder_folder, tmp_path / "poolerless")
    tensors = load_file(encoder_folder / "model.safetensors")
    kept = {name: tensor for name, tensor in tensors.items() if "pooler" not in name}
    save_file(kept, folder / "model.safetensors", {"format": "pt"})
    assert TASK.load_model(folder, ["bad", "good"]).config.num_labels == 2


def test_unusable_folders_are_explained(encoder_folder: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(SourceError, match="can't be loaded"):
        TASK.load_model(tmp_path / "empty", ["a", "b"])
    damaged = copy_of(encoder_folder, tmp_path / "damaged")
    (damaged / "model.safetensors").write_bytes(b"\x00" * 100)
    with pytest.raises(SourceError, match="can't be loaded"):
        TASK.load_model(damaged, ["a", "b"])
    pickled = copy_of(encoder_folder, tmp_path / "pickled")
    (pickled / "model.safetensors").unlink()
    torch.save({}, pickled / "pytorch_model.bin")
    with pytest.raises((SourceError, UnsafeSource)):
        TASK.load_model(pickled, ["a", "b"])
    coded = copy_of(
        encoder_folder, tmp_path / "coded", model_type="homemade", auto_map={"AutoConfig": "code.HomemadeConfig"}
    )
    (coded / "code.py").write_text("raise SystemExit('foreign code ran')")
    with pytest.raises(UnsafeSource, match=r"needs Python code[\s\S]*trust_remote_code"):
        TASK.load_model(coded, ["a", "b"])


def test_a_decoder_without_a_padding_token_classifies_a_batch_as_it_does_each_text(decoder_folder: Path) -> None:
    model = TASK.load_model(decoder_folder, ["bad", "good"])
    tokenizer = load_tokenizer(decoder_folder)
    assert model.config.pad_token_id == tokenizer.pad_token_id == tokenizer.eos_token_id
    assert model.config.use_cache is False
    alone = torch.cat([logits(model, decoder_folder, [text]) for text in TEXTS])
    assert torch.allclose(logits(model, decoder_folder), alone, atol=1e-6)


def test_a_tokenizer_that_cannot_pad_or_is_not_there_is_refused(encoder_folder: Path, tmp_path: Path) -> None:
    with pytest.raises(SourceError):
        load_tokenizer(tmp_path)
    folder = copy_of(encoder_folder, tmp_path / "padless")
    settings = json.loads((folder / "tokenizer_config.json").read_text())
    (folder / "tokenizer_config.json").write_text(json.dumps({**settings, "pad_token": None}))
    with pytest.raises(SourceError, match="neither a padding nor an end token"):
        load_tokenizer(folder)


def test_texts_and_pairs_are_cut_to_length_and_left_unpadded(encoder_folder: Path) -> None:
    tokenizer = load_tokenizer(encoder_folder)
    features = TASK.tokenize(tokenizer, {"text": TEXTS, "label": [1, 0]}, 6)
    assert features["length"] == [len(ids) for ids in features["input_ids"]] == [5, 6]
    assert features["labels"] == [1, 0]
    pairs = TASK.tokenize(tokenizer, {"text": TEXTS, "text_pair": ["bad plot", "good"]}, 32)
    assert "labels" not in pairs
    assert pairs["token_type_ids"][0] == [0] * 5 + [1] * 3
    with pytest.raises(DataError, match="at most 64 tokens"):
        TASK.tokenize(tokenizer, {"text": TEXTS}, 65)


def test_the_collator_pads_to_the_longest_and_keeps_the_ids(encoder_folder: Path) -> None:
    tokenizer = load_tokenizer(encoder_folder)
    features = TASK.tokenize(tokenizer, {"text": TEXTS, "label": [1, 0]}, 32)
    rows = [{**{name: values[i] for name, values in features.items()}, "example_id": 7 + i} for i in range(2)]
    batch = TASK.collator(tokenizer)(rows)
    assert batch["input_ids"].shape == (2, max(features["length"]))
    assert batch["attention_mask"].sum(1).tolist() == features["length"]
    assert batch["example_id"].tolist() == [7, 8]
    assert batch["labels"].tolist() == [1, 0]


def test_supervised_rows_are_examples_in_full_precision() -> None:
    half, labels = torch.tensor([[1.0, 2.0]], dtype=torch.bfloat16), torch.tensor([1])
    batch = {"labels": labels}
    student, teacher = TASK.reduce({"logits": half}, batch), {"logits": half.half()}
    (row,) = TASK.supervised(student, batch, teacher)
    assert row.teacher is not None
    assert (row.student.dtype, row.teacher.dtype) == (torch.float32, torch.float32)
    assert row.labels is labels
    assert TASK.supervised(student, batch)[0].teacher is None


@pytest.mark.parametrize(
    "change", [{"model": {"vocab": 7}}, {"post_processor": {"type": "Nothing"}}, {"added_tokens": [{}]}]
)
def test_a_tokenizer_of_nonsense_is_refused_in_words(
    classifier_folder: Path, tmp_path: Path, change: dict[str, Any]
) -> None:
    folder = Path(shutil.copytree(classifier_folder, tmp_path / "model"))
    content = json.loads((folder / "tokenizer.json").read_text(encoding="utf-8"))
    (folder / "tokenizer.json").write_text(json.dumps(content | change), encoding="utf-8")
    with pytest.raises(SourceError, match="can't be loaded") as caught:
        load_tokenizer(folder)
    assert str(folder) in caught.value.message
    assert caught.value.hint
