"""Token classification: what is supervised, and one whole run on tiny models, from a CoNLL file to a bundle."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from compressor import runtime
from compressor.bench.subject import subjects_from
from compressor.compare.exact import accuracy_row, answer_texts, answers_row
from compressor.compare.labelled import read_labelled
from compressor.events import Silent
from compressor.recipe.benchmark import Target
from compressor.report.document import RunReport
from compressor.runtime.bundle import Bundle
from compressor.runtime.tasks import Settings
from compressor.runtime.tasks.token_classification import TaggedText
from compressor.tasks import get_task, load_tokenizer
from compressor.tasks.base import IGNORED
from tests import tiny
from tests.chain import recipes
from tests.command import compressor

TASK = get_task("token-classification")
NAMES = ["O", "B-LOC", "I-LOC", "B-PER", "I-PER"]


@pytest.fixture(scope="module")
def tagger(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished tagger with random weights. Read only."""
    return tiny.write_name_encoder(tmp_path_factory.mktemp("tagger"), layers=2, tags=NAMES)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The folder of a whole run. Read only."""
    folder = tmp_path_factory.mktemp("entities")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("COMPRESSOR_HOME", str(folder / "home"))
        patch.setenv("CUDA_VISIBLE_DEVICES", "")
        recipe = recipes.full(
            tiny.write_conll(folder / "names.conll", 240),
            tiny.write_name_encoder(folder / "encoder", layers=2),
        )
        recipe["task"] = TASK.name
        recipe["teacher"]["finetune"] = {"epochs": 6, "learning_rate": 5e-3}
        recipe["student"]["layers"] = [0]
        recipe["distill"] |= {"epochs": 3, "objectives": [{"kind": "soft-targets"}, {"kind": "hard-labels"}]}
        recipe["gates"] = {"accuracy": ">= 0.8", "accuracy_retained": ">= 0.9"}
        compressor("run", recipes.write(folder, recipe), "--out", folder / "run", "--format", "json").succeeds()
        yield folder


@pytest.fixture(scope="module")
def report(made: Path) -> RunReport:
    return RunReport.from_json(json.loads((made / "run" / "report.json").read_text(encoding="utf-8")))


@pytest.fixture(scope="module")
def bundle(made: Path) -> Bundle:
    return runtime.load(made / "run" / "bundle")


def features(folder: Path, text: str, tags: list[dict[str, Any]], names: list[str]) -> dict[str, list[Any]]:
    return TASK.tokenize(load_tokenizer(folder), {"text": [text], "tags": [tags]}, 32, names)


def test_the_first_token_of_each_word_is_supervised(tagger: Path) -> None:
    spans = [{"start": 0, "end": 15, "label": "PER"}]
    found = features(tagger, "annaville smith saw", spans, NAMES)
    assert found["labels"] == [[IGNORED, 3, IGNORED, 4, 0, IGNORED]]


def test_words_that_plain_data_leaves_untagged_are_kept_and_teach_nothing(tagger: Path) -> None:
    found = features(tagger, "anna saw", [{"start": 0, "end": 4, "label": "NOUN"}], ["NOUN", "VERB"])
    batch = {"labels": torch.tensor(found["labels"])}
    reduced = TASK.reduce({"logits": torch.randn(1, 4, 2)}, batch)
    assert len(reduced["logits"]) == 2
    (rows,) = TASK.supervised(reduced, batch, reduced)
    assert rows.labels is not None and rows.labels.tolist() == [0]
    assert rows.student.shape == (1, 2) and rows.teacher is not None and rows.teacher.shape == (1, 2)


def test_training_and_deployment_keep_the_same_of_the_outputs(tagger: Path) -> None:
    tokenizer = load_tokenizer(tagger)
    examples = [{"text": "annaville saw the film.", "tags": []}, {"text": "rome", "tags": []}]
    columns = {name: [example[name] for example in examples] for name in ("text", "tags")}
    tokenized = TASK.tokenize(tokenizer, columns, 32, NAMES)
    batch = TASK.collator(tokenizer)([{name: values[i] for name, values in tokenized.items()} for i in range(2)])
    logits = torch.randn(*batch["input_ids"].shape, 5)
    encoder = runtime.Encoder.from_folder(tagger, 32)
    deployed = TASK.runtime.reduce([logits.numpy()], TASK.runtime.encode(encoder, examples))
    assert torch.equal(TASK.reduce({"logits": logits}, batch)["logits"], torch.from_numpy(deployed["logits"].values))


@pytest.mark.slow
def test_every_model_of_a_run_finds_the_entities(report: RunReport) -> None:
    """int8 too: taggers that lose their entities by quantization are what people complain of."""
    assert report.task == TASK.name
    found = {one.subject: one.accuracy for one in report.measurements if not one.skipped}
    assert {"teacher", "student", "fp32", "int8"} <= set(found)
    for subject, accuracy in found.items():
        assert accuracy is not None and accuracy.metric == "f1_entity", subject
        assert accuracy.value > 0.9, subject
        assert set(accuracy.metrics) == {"f1_entity", "precision", "recall", "f1_macro", "accuracy"}
    assert all(gate.passed for gate in report.gates)


@pytest.mark.slow
def test_a_bundle_answers_with_spans(bundle: Bundle) -> None:
    text = "the film of Anna Smith in Paris"
    found = bundle.predict(text)
    assert isinstance(found, TaggedText)
    assert [(span.label, span.text) for span in found.spans] == [("PER", "Anna Smith"), ("LOC", "Paris")]
    assert all(text[span.start : span.end] == span.text and 0.5 < span.score <= 1 for span in found.spans)
    assert bundle.predict("the film").to_dict() == {"spans": ()}


@pytest.mark.slow
def test_answers_do_not_depend_on_their_batch(made: Path) -> None:
    texts = ["anna smith in the film", "rome", "the plot was in oslo and lima and boris brown is very cold"]
    fp32 = runtime.load(made / "run" / "bundle", variant="fp32")
    alone, together = fp32.predict(texts), fp32.predict(texts, batch_size=3)
    assert TASK.runtime.keys(alone) == TASK.runtime.keys(together)


def test_the_pipeline_of_transformers_gives_the_same_spans(tagger: Path) -> None:
    """On random weights, whose tags are of every kind in every order."""
    from transformers import AutoModelForTokenClassification, AutoTokenizer, pipeline

    model, tokenizer = AutoModelForTokenClassification.from_pretrained(tagger), AutoTokenizer.from_pretrained(tagger)
    tag = pipeline("token-classification", model=model, tokenizer=tokenizer, aggregation_strategy="first")
    encoder = runtime.Encoder.from_folder(tagger, 32)
    texts = [" ".join(token for token, _ in one) for one in tiny.tagged_texts(40, seed=3)]
    for text in [*texts, "Annaville, Rome. don't"]:
        encoded = TASK.runtime.encode(encoder, [{"text": text}])
        inputs = {name: torch.from_numpy(array) for name, array in encoded.inputs(encoder).items()}
        with torch.inference_mode():
            outputs = TASK.runtime.reduce([model(**inputs).logits.numpy()], encoded)
        (answer,) = TASK.runtime.decode(outputs, encoded, Settings(tuple(NAMES)))
        assert isinstance(answer, TaggedText)
        expected = tag(text)
        assert [(span.label, span.start, span.end) for span in answer.spans] == [
            (found["entity_group"], found["start"], found["end"]) for found in expected
        ]
        assert [span.score for span in answer.spans] == pytest.approx([found["score"] for found in expected], abs=1e-5)


@pytest.mark.slow
def test_a_bundle_is_verified_and_compared_with_itself(made: Path) -> None:
    bundle = made / "run" / "bundle"
    compressor("verify", bundle).succeeds()
    texts = [
        {"text": "the film of anna smith", "tags": [{"start": 12, "end": 22, "label": "PER"}]},
        {"text": "the story in rome is good", "tags": [{"start": 13, "end": 17, "label": "LOC"}]},
    ]
    data = made / "labelled.jsonl"
    data.write_text("".join(json.dumps(row) + "\n" for row in texts), encoding="utf-8")
    labelled = read_labelled(data, ("text",), TASK.spec.target_role)
    subject = subjects_from(bundle, ["int8"])[0]
    one, other = (
        answer_texts(subject, Target(), labelled.examples, labelled.targets, work=made / side, events=Silent())
        for side in "ab"
    )
    quality = accuracy_row("int8", TASK.name, one, other, 0.01)
    assert (quality.metric, quality.a, quality.b, quality.unit) == ("f1_entity", 100, 100, "%")
    assert answers_row("int8", one, other, judged=True).b == 100


@pytest.mark.slow
def test_the_command_line_answers_with_spans(made: Path) -> None:
    found = compressor("predict", made / "run" / "bundle", "the film of anna smith").succeeds()
    assert "PER" in found.out and "anna smith" in found.out and "{" not in found.out


@pytest.mark.slow
def test_what_a_run_writes_speaks_of_spans(made: Path) -> None:
    for name in ("report.md", "report.html", "bundle/README.md"):
        text = (made / "run" / name).read_text(encoding="utf-8")
        assert "span F1" in text, name
        assert not re.search(r"\b(nan|None|KeyError)\b", text), name
    card = (made / "run" / "bundle" / "README.md").read_text(encoding="utf-8")
    assert "pipeline_tag: token-classification" in card
