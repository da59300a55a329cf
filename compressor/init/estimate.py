"""About how long the trainings of a recipe take here: a stand-in of the teacher's size is trained for some seconds."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from compressor.init.teacher import Shape
from compressor.recipe import Recipe

__all__ = ["Estimate", "Speed", "estimate", "measure_speed"]

_SECONDS = 1.0
_CALLS = 3
"""For which each of the two figures is taken, and how many calls at least."""
_FLOPS = 5e10
"""Of one timed step, at most: a second on a slow core. Larger batches are timed by a part of them."""
_FORWARD = 1 / 3
"""What answering a text costs, as a share of training on it: the backward pass takes twice the forward pass."""
_HEADS = 64
"""Width of an attention head."""


@dataclass(frozen=True)
class Speed:
    """How fast this machine trains one model on texts of one length."""

    text_seconds: float
    """Forward and backward, a text."""
    update_seconds: float
    """One update of the weights."""
    device: str
    precision: str


@dataclass(frozen=True)
class Estimate:
    """What training comes to. Early stopping may end it sooner."""

    teacher_steps: int
    """0: the teacher is taken as it is."""
    student_steps: int
    seconds: float
    device: str
    precision: str


def estimate(recipe: Recipe, rows: Mapping[str, int], shape: Shape, speed: Speed) -> Estimate:
    """Steps and seconds of both trainings and of asking the teacher; measurements come on top.

    Args:
        rows: split -> how many texts it has.
        shape: of the teacher, of which `speed` is.
    """
    training, validation = rows["train"], rows.get("validation", 0)
    seconds = (training + validation) * _FORWARD * speed.text_seconds
    steps = []
    layers = recipe.student.layers
    share = 1.0 if layers is None else len(layers) / shape.layers
    finetune = None if recipe.teacher is None else recipe.teacher.finetune
    for section, scale in ((finetune, 1.0), (recipe.distill, share)):
        if section is None:
            steps.append(0)
            continue
        schedule = section.schedule(training)
        texts = schedule.epochs * (training + _FORWARD * validation)
        steps.append(schedule.steps)
        seconds += scale * (texts * speed.text_seconds + schedule.steps * speed.update_seconds)
    return Estimate(steps[0], steps[1], seconds, speed.device, speed.precision)


def measure_speed(shape: Shape, *, batch: int, tokens: int) -> Speed:
    """Train a made-up encoder of this shape on made-up texts for two seconds or so."""
    import torch

    from compressor.distill.device import choose_device, choose_precision

    device = choose_device("auto")
    precision = choose_precision("auto", device)
    heads = max(1, shape.width // _HEADS) if shape.width % _HEADS == 0 else 1
    layer = torch.nn.TransformerEncoderLayer(shape.width, heads, shape.feed_forward, batch_first=True)
    body = torch.nn.TransformerEncoder(layer, shape.layers, enable_nested_tensor=False)
    model = torch.nn.Sequential(torch.nn.Embedding(shape.vocabulary, shape.width), body).to(device)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-9)
    # A token takes two floating point operations a weight forward, and four backward.
    texts = max(1, min(batch, round(_FLOPS / (6 * shape.layer_parameters * tokens))))
    ids = torch.randint(shape.vocabulary, (texts, tokens), device=device)

    def train() -> None:
        with torch.autocast(device, torch.bfloat16, enabled=precision == "bf16"):
            loss = model(ids).float().mean()
        loss.backward()
        if device == "cuda":
            torch.cuda.synchronize()

    def update() -> None:
        optimizer.step()
        if device == "cuda":
            torch.cuda.synchronize()

    return Speed(_timed(train) / texts, _timed(update), device, precision)


def _timed(work: Callable[[], None]) -> float:
    """Seconds of the fastest call after the first: what it takes where nothing else runs."""
    work()
    started, taken = time.perf_counter(), list[float]()
    while len(taken) < _CALLS or time.perf_counter() - started < _SECONDS:
        begun = time.perf_counter()
        work()
        taken.append(time.perf_counter() - begun)
    return min(taken)
