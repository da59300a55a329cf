"""Changes of word embeddings that raise a loss, against a literal rewrite in double precision; and a student's training
on them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from unittest import mock

import pytest
import torch
import transformers

from compressor.distill.adversary import Adversary, Ball
from compressor.distill.architecture import Layout
from compressor.distill.distiller import Distiller
from compressor.distill.objectives import build_objectives
from compressor.distill.outputs import TeacherOutputs
from compressor.distill.signals import LOGITS, Batch, Signal, Signals
from compressor.distill.word_embeddings import run_with_embeddings, word_embeddings
from compressor.recipe.distill import OBJECTIVES
from compressor.tasks import get_task
from compressor.tasks.base import IGNORED, Task
from tests.distill.builders.test_layers import CONFIGS, make_model
from tests.distill.test_mixup import IDS, INPUTS, without_layers

SPECIAL = (5, 9)
"""Tokens of the texts that stand for no word."""
WORDS = (IDS != 0) & ~torch.isin(IDS, torch.tensor(SPECIAL))
TEACHER = torch.tensor([[1.0, -2.0, 0.5], [0.0, 0.3, 2.0], [-1.0, 1.5, 0.2]])
LABELS = torch.tensor([0, 2, 1])
BATCH = {**INPUTS, "labels": LABELS, "row_id": torch.arange(3)}
SEED = 5
BALLS: list[Ball] = ["text", "token"]


class Stored(TeacherOutputs):
    """What a teacher said of the texts, as it lies on disk."""

    provides = frozenset({LOGITS})

    def __init__(self, answers: torch.Tensor) -> None:
        self.answers = answers

    def read(self, batch: Batch, wanted: frozenset[Signal]) -> Signals:
        return {LOGITS: {"logits": self.answers[batch["row_id"]]}}


def make(
    student: Any, task: Task, special: tuple[int, ...] = SPECIAL, teacher: TeacherOutputs | None = None, **options: Any
) -> Distiller:
    """A student with one objective alone, in training and without dropout."""
    kind = options.pop("kind", "adversarial")
    config = OBJECTIVES.get(kind).model_validate({"kind": kind, **options})
    objectives = build_objectives([config], Layout.of(student.config))
    teacher = (teacher or Stored(TEACHER)) if config.uses_teacher else None
    distiller = Distiller(student, objectives, task=task, teacher=teacher, special_tokens=special).train()
    student.eval()
    return distiller


def changes(student: Any, distiller: Distiller, batch: Mapping[str, torch.Tensor] = BATCH) -> list[torch.Tensor]:
    """The change of each pass of a training step, in order: the start, then what each step of the ascent came to."""
    vectors = word_embeddings(student, batch["input_ids"]).detach()
    torch.manual_seed(SEED)
    with mock.patch(f"{Distiller.__module__}.run_with_embeddings", wraps=run_with_embeddings) as run:
        distiller(**batch)
    return [call.args[2].detach() - vectors for call in run.call_args_list]


def answer(weights: Mapping[str, torch.Tensor], vectors: list[torch.Tensor]) -> torch.Tensor:
    """Logits of a text by its word embeddings, of a model without layers."""
    total = torch.stack(vectors).sum(dim=0)
    normed = (total - total.mean()) / (total.var(unbiased=False) + 1e-12).sqrt()
    normed = normed * weights["norm.weight"] + weights["norm.bias"]
    hidden = (weights["dense.weight"] @ normed + weights["dense.bias"]).relu()
    return weights["classifier.weight"] @ hidden + weights["classifier.bias"]


def loss_of(logits: torch.Tensor, text: int, target: str, t: float) -> torch.Tensor:
    if target == "labels":
        return -logits.log_softmax(0)[LABELS[text]]
    theirs, ours = (TEACHER[text].double() / t).softmax(0), (logits / t).softmax(0)
    return t**2 * (theirs * (theirs.log() - ours.log())).sum()


def rewritten(
    student: Any, ball: Ball, target: str, *, t: float, epsilon: float, steps: int, size: float
) -> tuple[float, list[list[torch.Tensor]]]:
    """The loss, and the last change of each word of each text: a text after another, a ball after another."""
    weights = {name: value.double() for name, value in student.state_dict().items()}
    table = weights["static.embed_tokens.weight"]
    torch.manual_seed(SEED)
    start = torch.empty(*IDS.shape, table.shape[1]).uniform_(-1, 1).double()
    losses, found = [], []
    for text, tokens in enumerate(IDS):
        places = [place for place in range(len(tokens)) if WORDS[text, place]]
        balls = [places] if ball == "text" else [[place] for place in places]
        radii = [epsilon * torch.cat([table[tokens[p]] for p in one]).norm() for one in balls]
        change = {
            p: start[text, p] * radius / (len(one) * table.shape[1]) ** 0.5
            for one, radius in zip(balls, radii, strict=True)
            for p in one
        }

        def loss(change: Mapping[int, torch.Tensor], text: int = text) -> torch.Tensor:
            kept = [p for p in range(IDS.shape[1]) if IDS[text, p] != 0]
            vectors = [table[IDS[text, p]] + change.get(p, torch.zeros(table.shape[1])) for p in kept]
            return loss_of(answer(weights, vectors), text, target, t)

        for _ in range(steps):
            change = {p: one.clone().requires_grad_() for p, one in change.items()}
            gradients = dict(zip(change, torch.autograd.grad(loss(change), list(change.values())), strict=True))
            for one, radius in zip(balls, radii, strict=True):
                moved = torch.cat([change[p].detach() for p in one])
                gradient = torch.cat([gradients[p] for p in one])
                moved = moved + size * radius * gradient / gradient.norm()
                if moved.norm() > radius:
                    moved = moved * radius / moved.norm()
                change.update(zip(one, moved.split(table.shape[1]), strict=True))
        losses.append(loss(change).item())
        found.append([change[p] for p in places])
    return sum(losses) / len(losses), found


@pytest.mark.parametrize("target", ["teacher", "labels"])
@pytest.mark.parametrize("ball", BALLS)
def test_the_loss_is_that_of_the_worst_change_that_an_ascent_finds(ball: Ball, target: str, task: Task) -> None:
    student = without_layers(8, seed=1)
    options: dict[str, Any] = {"temperature": 3.0} if target == "teacher" else {}
    distiller = make(student, task, target=target, ball=ball, epsilon=0.3, steps=3, step_size=0.5, **options)
    expected, worst = rewritten(student, ball, target, t=3.0, epsilon=0.3, steps=3, size=0.5)
    torch.manual_seed(SEED)
    assert distiller(**BATCH)["loss"].item() == pytest.approx(expected, rel=1e-4)
    last = changes(student, distiller)[-1]
    for text, words in enumerate(worst):
        assert torch.allclose(last[text][WORDS[text]].double(), torch.stack(words), atol=1e-5)


@pytest.mark.parametrize("ball", BALLS)
@pytest.mark.parametrize("architecture", ["Bert", "Electra", "GPT2"])
def test_no_change_leaves_its_ball_and_padding_and_special_tokens_are_not_changed(
    architecture: str, ball: Ball, task: Task
) -> None:
    student = make_model(architecture)
    distiller = make(student, task, ball=ball, epsilon=0.2, steps=4, step_size=3.0)
    vectors = word_embeddings(student, IDS).detach() * WORDS[..., None]
    dimensions = (-1,) if ball == "token" else (-2, -1)
    radius = 0.2 * torch.linalg.vector_norm(vectors, dim=dimensions)
    found = changes(student, distiller)
    assert len(found) == 5, "four steps of the ascent, and the pass that is learned from"
    for change in found:
        assert not change[~WORDS].any()
        assert (torch.linalg.vector_norm(change, dim=dimensions) <= radius * (1 + 1e-5)).all()
    last = torch.linalg.vector_norm(found[-1], dim=dimensions)
    assert torch.allclose(last, radius, rtol=1e-4), "steps this long end at the edge"


def test_a_text_without_a_word_is_learned_from_as_it_is(task: Task) -> None:
    student = make_model("Bert")
    batch = {name: tensor[:1] for name, tensor in BATCH.items()}
    found = make(student, task, special=tuple(IDS[0].tolist()), epsilon=0.5)(**batch)["loss"]
    assert found.item() == pytest.approx(make(student, task, kind="soft-targets")(**batch)["loss"].item())


@pytest.mark.parametrize("architecture", CONFIGS)
def test_the_change_that_is_found_raises_the_loss_more_than_chance_does(architecture: str, task: Task) -> None:
    student = make_model(architecture)
    distiller = make(student, task, epsilon=0.2)
    found = changes(student, distiller)[-1]
    chance = torch.randn_like(found) * WORDS[..., None]
    length = torch.linalg.vector_norm(found, dim=(1, 2), keepdim=True)
    chance = chance / torch.linalg.vector_norm(chance, dim=(1, 2), keepdim=True) * length

    def loss(change: torch.Tensor) -> float:
        with torch.no_grad():
            vectors = word_embeddings(student, IDS) + change
            logits = run_with_embeddings(student, INPUTS, vectors).logits
        both = zip(logits.double(), range(3), strict=True)
        return sum(loss_of(one, text, "teacher", 2.0).item() for one, text in both)

    assert loss(found) > max(loss(chance), loss(torch.zeros_like(found)))


def test_a_seed_decides_all_that_is_drawn(task: Task) -> None:
    student = make_model("Bert")
    distiller = make(student, task)
    first, again = changes(student, distiller), changes(student, distiller)
    assert all(torch.equal(one, other) for one, other in zip(first, again, strict=True))
    torch.manual_seed(SEED)
    losses = [distiller(**BATCH)["loss"].item() for _ in range(2)]
    assert losses[0] != losses[1], "drawn anew in the next step"


def test_dropout_is_the_same_in_all_passes_of_a_step(task: Task) -> None:
    student = without_layers(8, seed=1)
    student.dropout.p = 0.5
    dropped: list[torch.Tensor] = []
    student.dropout.register_forward_hook(lambda module, inputs, output: dropped.append((output == 0)[inputs[0] != 0]))
    distiller = make(student, task, steps=2, epsilon=0.01)
    distiller.train()(**BATCH)
    of_plain, *passes = [dropped[at] for at in range(0, len(dropped), 2)]  # the first of two a pass
    assert len(passes) == 3
    assert all(torch.equal(one, passes[0]) for one in passes)
    assert not torch.equal(of_plain, passes[0])


def gradients(student: Any) -> dict[str, torch.Tensor]:
    return {name: one.grad.clone() for name, one in student.named_parameters() if one.grad is not None}


@pytest.mark.parametrize("architecture", CONFIGS)
def test_gradients_are_those_of_the_last_pass_alone(architecture: str, task: Task) -> None:
    """The change is a constant for the student, and what was accumulated before a step stays as it is."""
    student = make_model(architecture)
    distiller = make(student, task)
    last = changes(student, distiller)[-1]
    assert not gradients(student)
    logits = run_with_embeddings(student, INPUTS, word_embeddings(student, IDS) + last).logits
    ours, theirs = (logits / 2).log_softmax(-1), (TEACHER / 2).softmax(-1)
    (4 * (theirs * (theirs.log() - ours)).sum(-1).mean()).backward()
    expected = gradients(student)
    torch.manual_seed(SEED)
    loss = distiller(**BATCH)["loss"]
    assert all(torch.equal(one, expected[name]) for name, one in gradients(student).items())
    student.zero_grad()
    loss.backward()
    found = gradients(student)
    assert found.keys() == expected.keys()
    assert all(torch.allclose(one, expected[name], rtol=1e-3, atol=1e-5) for name, one in found.items())


def test_texts_are_changed_in_training_alone(task: Task) -> None:
    student = make_model("Bert")
    calls: list[bool] = []
    student.register_forward_hook(lambda *_: calls.append(student.training))
    distiller = make(student, task, steps=3)
    distiller.train()(**BATCH)
    distiller.eval()(**BATCH)
    assert calls == [True] * 5 + [False], "the text as it is, three steps, the last pass"


@pytest.mark.parametrize(("precision", "ascent"), [("bfloat16", torch.bfloat16), ("float16", torch.float32)])
def test_under_autocast_losses_and_changes_are_in_fp32_and_fp16_ascends_in_it_too(
    precision: str, ascent: torch.dtype, task: Task
) -> None:
    student = make_model("Bert")
    dtypes: list[torch.dtype] = []
    student.register_forward_hook(lambda module, inputs, output: dtypes.append(output.logits.dtype))
    distiller = make(student, task, epsilon=0.2, step_size=3.0)
    with torch.autocast("cpu", getattr(torch, precision)):
        found = changes(student, distiller)
        loss = distiller(**BATCH)["loss"]
    assert loss.dtype == torch.float32 and torch.isfinite(loss)
    assert dtypes[:4] == [getattr(torch, precision), ascent, ascent, getattr(torch, precision)]
    vectors = word_embeddings(student, IDS).detach() * WORDS[..., None]
    radius = 0.2 * torch.linalg.vector_norm(vectors, dim=(1, 2))
    assert {one.dtype for one in found} == {torch.float32}
    assert torch.allclose(torch.linalg.vector_norm(found[-1], dim=(1, 2)), radius, rtol=1e-4)
    loss.backward()
    assert all(torch.isfinite(parameter.grad).all() for parameter in student.parameters() if parameter.grad is not None)


class Fixed(Adversary):
    """The same change for every text."""

    def change(self, loss: Any, vectors: torch.Tensor, changeable: torch.Tensor) -> torch.Tensor:
        return 0.1 * changeable[..., None].to(vectors.dtype).expand_as(vectors)


def test_texts_without_a_label_and_without_an_answer_are_left_out(task: Task) -> None:
    def loss(batch: Mapping[str, torch.Tensor], answers: torch.Tensor = TEACHER, **options: Any) -> float:
        distiller = make(without_layers(8, seed=1), task, teacher=Stored(answers), **options)
        with mock.patch.object(distiller.objectives[0], "adversary", Fixed(0.1, 1, 1.0, "text")):
            found: float = distiller(**batch)["loss"].item()
        return found

    known = {name: tensor[:2] for name, tensor in BATCH.items()}
    unlabelled = {**BATCH, "labels": torch.tensor([0, 2, IGNORED])}
    assert loss(unlabelled, target="labels") == pytest.approx(loss(known, target="labels"))
    answers = TEACHER.clone()
    answers[2] = float("nan")
    assert loss(BATCH, answers) == pytest.approx(loss(known))


class Said(TeacherOutputs):
    """What a teacher said of one batch."""

    provides = frozenset({LOGITS})

    def __init__(self, outputs: Mapping[str, torch.Tensor]) -> None:
        self.outputs = outputs

    def read(self, batch: Batch, wanted: frozenset[Signal]) -> Signals:
        return {LOGITS: self.outputs}


@pytest.mark.parametrize(
    "name",
    [
        "multi-label-classification",
        "question-answering",
        "regression",
        "sentence-embedding",
        "token-classification",
    ],
)
def test_answers_of_other_tasks_are_held_against_the_teachers_as_by_soft_targets(name: str) -> None:
    """For texts with the change that is found."""
    task = get_task(name)
    torch.manual_seed(0)
    labels = {"regression": 1, "question-answering": 2}.get(name, 3)
    config = transformers.BertConfig(**CONFIGS["Bert"], num_labels=labels)
    config.sentence_embedding = {"pooling": "mean"}
    student = getattr(transformers, task.spec.auto_class).from_config(config)
    batch: dict[str, Any] = {
        "question-answering": {
            "context_begin": torch.ones(3, dtype=torch.long),
            "context_end": torch.tensor([5, 3, 4]),
        },
        "token-classification": {"labels": torch.where(WORDS, IDS % 3, IGNORED)},
    }.get(name, {})
    batch = {**INPUTS, "row_id": torch.arange(3), **batch}
    with torch.no_grad():
        outputs = task.reduce(student(**INPUTS), batch, task.options(student))
    teacher = Said({output: torch.randn_like(values) for output, values in outputs.items()})
    distiller = make(student, task, teacher=teacher, epsilon=0.01)
    plain = make(student, task, kind="soft-targets", teacher=teacher)
    last = changes(student, distiller, batch)[-1]
    torch.manual_seed(SEED)
    found = distiller(**batch)["loss"].item()
    assert found > plain(**batch)["loss"].item()
    vectors = word_embeddings(student, IDS) + last
    with mock.patch.object(student.get_input_embeddings(), "forward", lambda tokens: vectors):
        assert found == pytest.approx(plain(**batch)["loss"].item(), rel=1e-4)


def made_up(texts: int, seed: int) -> tuple[dict[str, torch.Tensor], torch.Tensor]:
    """Texts of six words, one of which tells the answer: nine words for three answers; and what a teacher says."""
    random = torch.Generator().manual_seed(seed)
    ids = torch.randint(14, 50, (texts, 6), generator=random)
    rows, answer = torch.arange(texts), torch.arange(texts) % 3
    telling = 5 + answer + 3 * torch.randint(0, 3, (texts,), generator=random)
    ids[rows, torch.randint(0, 6, (texts,), generator=random)] = telling
    batch = {"input_ids": ids, "attention_mask": torch.ones_like(ids), "row_id": rows, "labels": answer}
    return batch, 4 * torch.nn.functional.one_hot(answer, 3).float()


@pytest.mark.parametrize("ball", BALLS)
def test_a_student_that_is_trained_on_it_answers_changed_texts_more_like_the_teacher(ball: Ball, task: Task) -> None:
    """Of texts that it wasn't trained on, against a longer attack: than before, and than one that is trained on the
    texts as they are."""
    (batch, answers), (others, theirs) = made_up(48, seed=0), made_up(48, seed=1)
    attack: dict[str, Any] = {"epsilon": 0.1, "ball": ball}

    def attacked(student: Any) -> float:
        distiller = make(student, task, (), Stored(theirs), steps=8, step_size=0.4, **attack)
        torch.manual_seed(SEED)
        found: float = distiller(**others)["loss"].item()
        return found

    def trained(**objective: Any) -> Any:
        student = without_layers(16, seed=1)
        distiller = make(student, task, (), Stored(answers), **objective)
        optimizer = torch.optim.Adam(student.parameters(), lr=0.02)
        torch.manual_seed(SEED)
        for _ in range(60):
            optimizer.zero_grad()
            distiller(**batch)["loss"].backward()
            optimizer.step()
        return student

    before, plain = attacked(without_layers(16, seed=1)), attacked(trained(kind="soft-targets"))
    robust = attacked(trained(**attack))
    assert robust < 0.8 * plain < 0.8 * before
