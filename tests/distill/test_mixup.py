from __future__ import annotations

import copy
from typing import Any

import numpy as np
import pytest
import torch
from pydantic import ValidationError

from compressor.architectures.static_embeddings import (
    StaticEmbeddingsConfig,
    StaticEmbeddingsForSequenceClassification,
)
from compressor.distill.architecture import Layout
from compressor.distill.distiller import Distiller
from compressor.distill.mixup import Mixture, run_mixed
from compressor.distill.objectives import build_objectives
from compressor.distill.objectives.mixup import Mixup
from compressor.distill.outputs import LiveOutputs
from compressor.errors import StageError
from compressor.recipe.distill import OBJECTIVES
from compressor.tasks import get_task
from compressor.tasks.base import IGNORED, Task
from tests.distill.builders.test_layers import CONFIGS, make_model
from tests.distill.objectives.values import divergence, softmax

IDS = torch.tensor([[5, 6, 7, 8, 9], [10, 11, 12, 0, 0], [13, 14, 15, 16, 0]])
LENGTHS = [5, 3, 4]
INPUTS = {"input_ids": IDS, "attention_mask": (IDS != 0).long()}
MIXTURE = Mixture(torch.tensor([1, 2, 0]), torch.tensor([0.25, 0.75, 0.1]))


def without_layers(width: int, seed: int) -> Any:
    """A classifier that is short enough to be written down again in numpy."""
    torch.manual_seed(seed)
    config = StaticEmbeddingsConfig(
        vocab_size=50,
        hidden_size=width,
        classifier_hidden_size=6,
        num_labels=3,
        hidden_dropout_prob=0.0,
        initializer_range=0.5,
    )
    return StaticEmbeddingsForSequenceClassification(config).eval()


def rewritten(model: Any) -> np.ndarray:
    """Logits of the mixtures, in numpy."""
    weights = {name: value.numpy().astype(float) for name, value in model.state_dict().items()}
    table, rows = weights["static.embed_tokens.weight"], []
    for one in range(3):
        other, share = int(MIXTURE.partner[one]), float(MIXTURE.share[one])
        total = np.zeros(table.shape[1])
        for position in range(max(LENGTHS[one], LENGTHS[other])):
            if position < LENGTHS[one]:
                total += share * table[IDS[one, position]]
            if position < LENGTHS[other]:
                total += (1 - share) * table[IDS[other, position]]
        normed = (total - total.mean()) / np.sqrt(total.var() + 1e-12)
        normed = normed * weights["norm.weight"] + weights["norm.bias"]
        hidden = np.maximum(weights["dense.weight"] @ normed + weights["dense.bias"], 0)
        rows.append(weights["classifier.weight"] @ hidden + weights["classifier.bias"])
    return np.array(rows)


def test_the_loss_is_the_divergence_of_both_models_on_the_same_mixtures(task: Task) -> None:
    """Each mixes in its own space: the models are of unlike widths."""
    student, teacher = without_layers(8, seed=1), without_layers(4, seed=2)
    config = OBJECTIVES.get("mixup").model_validate({"kind": "mixup", "temperature": 3.0})
    (objective,) = build_objectives([config], Layout.of(student.config), Layout.of(teacher.config))
    objective.mix = lambda texts: MIXTURE
    distiller = Distiller(student, [objective], task=task, teacher=LiveOutputs(teacher, task)).train()
    ours, theirs = softmax(rewritten(student) / 3), softmax(rewritten(teacher) / 3)
    expected = 9 * np.mean([divergence(t, s) for t, s in zip(theirs, ours, strict=True)])
    found = distiller(**INPUTS, labels=torch.tensor([0, 1, 2]), row_id=torch.arange(3))["loss"]
    assert found.item() == pytest.approx(expected, rel=1e-4)
    found.backward()
    assert student.static.embed_tokens.weight.grad[5].abs().sum() > 0
    assert all(parameter.grad is None for parameter in teacher.parameters())


def test_the_labels_of_both_texts_count_in_their_shares(task: Task) -> None:
    """The third text has no label, as one that only the teacher labels: two of the three mixtures have it."""
    student, teacher = without_layers(8, seed=1), without_layers(4, seed=2)

    def loss(label_weight: float, labels: list[int]) -> float:
        config = OBJECTIVES.get("mixup").model_validate({"kind": "mixup", "label_weight": label_weight})
        (objective,) = build_objectives([config], Layout.of(student.config), Layout.of(teacher.config))
        objective.mix = lambda texts: MIXTURE
        distiller = Distiller(student, [objective], task=task, teacher=LiveOutputs(teacher, task)).train()
        found: float = distiller(**INPUTS, labels=torch.tensor(labels), row_id=torch.arange(3))["loss"].item()
        return found

    logarithms = np.log(softmax(rewritten(student)))

    def expected(labels: list[int], mixtures: list[int]) -> float:
        each = [
            -share * logarithms[i, labels[i]] - (1 - share) * logarithms[i, labels[j]]
            for i in mixtures
            for j, share in [(int(MIXTURE.partner[i]), float(MIXTURE.share[i]))]
        ]
        return float(np.mean(each))

    assert loss(2.0, [0, 1, 2]) - loss(0.0, [0, 1, 2]) == pytest.approx(2 * expected([0, 1, 2], [0, 1, 2]), rel=1e-4)
    assert loss(1.0, [0, 1, IGNORED]) - loss(0.0, [0, 1, 2]) == pytest.approx(expected([0, 1], [0]), rel=1e-4)
    assert loss(1.0, [IGNORED] * 3) == loss(0.0, [0, 1, 2])


def of_one_number(kind: str, student: float, goal: float) -> float:
    """The loss of one output against a probability, for yes or no, or a number."""
    if kind == "regression":
        return (student - goal) ** 2
    yes = 1 / (1 + np.exp(-student))
    return float(-goal * np.log(yes) - (1 - goal) * np.log(1 - yes))


@pytest.mark.parametrize("kind", ["multi-label-classification", "regression"])
@pytest.mark.parametrize("label_weight", [0.0, 0.5])
def test_mixtures_of_yes_or_no_and_of_numbers(kind: str, label_weight: float) -> None:
    """The second text has no label, as one that only the teacher labels: the mixture of the other two is left."""
    student, teacher = without_layers(8, seed=1), without_layers(4, seed=2)
    config = OBJECTIVES.get("mixup").model_validate({"kind": "mixup", "temperature": 3, "label_weight": label_weight})
    (objective,) = build_objectives([config], Layout.of(student.config), Layout.of(teacher.config))
    objective.mix = lambda texts: MIXTURE
    task = get_task(kind)
    distiller = Distiller(student, [objective], task=task, teacher=LiveOutputs(teacher, task)).train()
    ours, theirs, apart = rewritten(student), rewritten(teacher), []
    for row, place in np.ndindex(3, 3):
        z_s, z_t = ours[row, place], theirs[row, place]
        if kind == "regression":
            apart.append((z_s - z_t) ** 2)
        else:
            p_s, p_t = (1 / (1 + np.exp(-z / 3)) for z in (z_s, z_t))
            apart.append(9 * divergence(np.array([p_t, 1 - p_t]), np.array([p_s, 1 - p_s])))
    labels = np.array([[1.0, 0.0, 1.0], [np.nan] * 3, [0.0, 0.0, 1.0]])
    share = float(MIXTURE.share[2])  # of the third text, which is mixed with the first
    mixed = [share * labels[2, i] + (1 - share) * labels[0, i] for i in range(3)]
    against = [of_one_number(kind, ours[2, i], mixed[i]) for i in range(3)]
    found = distiller(**INPUTS, labels=torch.tensor(labels), row_id=torch.arange(3))["loss"]
    assert found.item() == pytest.approx(np.mean(apart) + label_weight * np.mean(against), rel=1e-4)


def test_without_labels_of_the_data_the_option_is_refused() -> None:
    assert Mixup(kind="mixup", label_weight=0.5).uses_labels
    assert not Mixup(kind="mixup").uses_labels
    assert "label_weight" not in Mixup(kind="mixup").model_dump(), "keys of what was trained before stay"


@pytest.mark.parametrize("architecture", CONFIGS)
def test_a_mixture_is_what_the_model_says_of_mixed_embeddings(architecture: str) -> None:
    model = make_model(architecture)
    inputs = {"input_ids": IDS[:, :3], "attention_mask": torch.ones(3, 3, dtype=torch.long)}
    vectors = model.get_input_embeddings()(inputs["input_ids"])
    share = MIXTURE.share[:, None, None]
    mixed = share * vectors + (1 - share) * vectors[MIXTURE.partner]
    expected = model(inputs_embeds=mixed, attention_mask=inputs["attention_mask"]).logits
    assert torch.allclose(run_mixed(model, inputs, MIXTURE).logits, expected, atol=1e-5)


@pytest.mark.parametrize("architecture", CONFIGS)
def test_a_text_that_is_mixed_with_itself_is_answered_as_it_is(architecture: str) -> None:
    """Whatever its padding: a decoder answers at the last token, and others count positions from the tokens."""
    model = make_model(architecture)
    itself = Mixture(torch.arange(3), MIXTURE.share)
    assert torch.allclose(run_mixed(model, INPUTS, itself).logits, model(**INPUTS).logits, atol=1e-5)


@pytest.mark.parametrize("architecture", ["Bert", "GPT2", "MPNet"])
def test_padding_behind_both_texts_changes_nothing(architecture: str) -> None:
    model = make_model(architecture)
    short = {name: tensor[1:] for name, tensor in INPUTS.items()}
    mixture = Mixture(torch.tensor([1, 0]), MIXTURE.share[:2])
    cut = {name: tensor[:, :4] for name, tensor in short.items()}
    expected = run_mixed(model, cut, mixture).logits
    assert torch.allclose(run_mixed(model, short, mixture).logits, expected, atol=1e-5)


def test_types_of_tokens_are_the_texts_own_and_behind_its_end_the_others() -> None:
    model, seen = make_model("Bert"), []
    model.bert.register_forward_pre_hook(lambda module, arguments, named: seen.append(named), with_kwargs=True)
    types = torch.tensor([[0, 0, 1, 1, 1], [0, 1, 1, 0, 0], [0, 0, 0, 1, 0]])
    run_mixed(model, {**INPUTS, "token_type_ids": types}, MIXTURE)
    assert seen[0]["token_type_ids"].tolist() == [[0, 0, 1, 1, 1], [0, 1, 1, 1, 0], [0, 0, 0, 1, 1]]
    assert seen[0]["attention_mask"].tolist() == [[1, 1, 1, 1, 1], [1, 1, 1, 1, 0], [1, 1, 1, 1, 1]]


def test_a_model_that_was_mixed_for_answers_as_before() -> None:
    model = make_model("Bert")
    before = model(**INPUTS).logits
    run_mixed(model, INPUTS, MIXTURE)
    assert torch.equal(model(**INPUTS).logits, before)


def test_a_model_that_does_not_read_its_table_is_refused() -> None:
    model = make_model("Bert")
    unread = copy.deepcopy(model.get_input_embeddings())
    model.get_input_embeddings = lambda: unread
    with pytest.raises(StageError, match="bert: where it reads its word embeddings is unknown"):
        run_mixed(model, INPUTS, MIXTURE)


def test_a_share_that_can_not_be_drawn_is_refused() -> None:
    """So close to 0 the distribution underflows, and every text would be mixed half and half."""
    with pytest.raises(ValidationError, match=r"greater than or equal to 0\.001"):
        Mixup(kind="mixup", alpha=1e-30)


def test_mixtures_are_drawn_from_the_distribution_and_each_text_is_the_other_of_one() -> None:
    torch.manual_seed(0)
    first = Mixture.draw(4000, 0.4)
    assert sorted(first.partner.tolist()) == list(range(4000))
    # Beta(a, a) has mean 1/2 and variance 1 / (4 (2a + 1)).
    assert first.share.mean().item() == pytest.approx(0.5, abs=0.02)
    assert first.share.var().item() == pytest.approx(1 / (4 * 1.8), rel=0.05)
    second = Mixture.draw(4000, 0.4)
    torch.manual_seed(0)
    again = Mixture.draw(4000, 0.4)
    assert torch.equal(again.partner, first.partner) and torch.equal(again.share, first.share)
    assert not torch.equal(second.share, first.share)
