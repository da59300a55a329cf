"""One training loop in a process of its own, for `training.py`, which writes the folder that it reads.

python -m benchmarks.training_loops FOLDER LOOP        prints texts a second and memory, as JSON
"""

from __future__ import annotations

import json
import shutil
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from compressor.events import Silent
from compressor.memory import read_resident

SKIPPED_STEPS = 4
"""The first steps, in which kernels are chosen and memory is taken, don't count."""


@dataclass(frozen=True)
class Loop:
    """What is timed, and how it differs from ours."""

    name: str
    title: str
    kind: str = "cached"
    section: Mapping[str, Any] = field(default_factory=dict)
    """Settings of `distill` that it changes."""
    change: str = ""
    """What else it changes: see `_task`, `_workers` and `_attention`; of the live loop the precision."""


LOOPS = {
    loop.name: loop
    for loop in (
        Loop("live", "the plain loop: teacher live, fp32, random order", "live"),
        Loop("live-bf16", "the plain loop in bf16 autocast", "live", change="bf16"),
        Loop("live-fp16", "the plain loop in fp16 autocast (GPU)", "live", change="fp16"),
        Loop("cached", "ours: stored outputs, bf16 where there is, length groups"),
        Loop("label", "labelling, once", "label"),
        Loop("fp32", "fp32", section={"precision": "fp32"}),
        Loop("random-order", "random order", section={"group_by_length": False}),
        Loop("batch-16", "batches of 16", section={"batch_size": 16}),
        Loop("batch-32", "batches of 32", section={"batch_size": 32}),
        Loop("batch-64", "batches of 64", section={"batch_size": 64}),
        Loop("batch-128", "batches of 128", section={"batch_size": 128}),
        Loop("tokenize-in-loop", "texts tokenized in the loop", change="tokenize"),
        Loop("fused-attention", "PyTorch's fused attention", change="fused-attention"),
        Loop("no-dropout", "no dropout", section={"dropout": 0.0}),
        Loop(
            "fused-no-dropout",
            "no dropout, PyTorch's fused attention",
            section={"dropout": 0.0},
            change="fused-attention",
        ),
        Loop("compile", "student through `torch.compile`", change="compile"),
        Loop("workers-1", "one worker loads batches", change="workers-1"),
        Loop("workers-2", "two workers load batches", change="workers-2"),
        Loop("teach", "fine-tuning the teacher", "teach"),
        Loop("teach-checkpointing", "the same with gradient checkpointing", "teach", change="checkpointing"),
    )
}


class Clock(Silent):
    """Notes when each step of training ended."""

    def __init__(self, at_step: Callable[[int], None] = lambda step: None) -> None:
        self.ends: list[float] = []
        self.at_step = at_step

    def progress(self, what: str, done: float, total: float | None, detail: str = "") -> None:
        if what.endswith(": training"):
            self.ends.append(time.perf_counter())
            self.at_step(int(done))


def rate(ends: Sequence[float], texts: int, batch: int) -> float:
    """Texts a second of an epoch without its first steps, from the times at which its steps ended.

    Raises:
        SystemExit: it has no more steps than those.
    """
    if len(ends) <= SKIPPED_STEPS + 1:
        raise SystemExit(f"{texts} texts are too few for batches of {batch}: give --texts more.")
    return (texts - (SKIPPED_STEPS + 1) * batch) / (ends[-1] - ends[SKIPPED_STEPS])


def live(folder: Path, loop: Loop) -> dict[str, Any]:
    """The loop that everybody writes, with nothing of ours: the teacher answers each batch as it comes."""
    import torch
    from torch.nn import functional
    from torch.utils.data import DataLoader
    from transformers import AutoModelForSequenceClassification, AutoTokenizer

    setup = json.loads((folder / "setup.json").read_text())
    device = "cuda" if torch.cuda.is_available() else "cpu"
    dtype = {"bf16": torch.bfloat16, "fp16": torch.float16}.get(loop.change, torch.float32)
    torch.manual_seed(0)
    models = [AutoModelForSequenceClassification.from_pretrained(folder / name) for name in ("student", "teacher")]
    student, teacher = (model.to(device) for model in models)
    tokenizers = [AutoTokenizer.from_pretrained(folder / name) for name in ("student", "teacher")]
    rows = json.loads((folder / "texts.json").read_text())
    encoded = [
        [tokenizer(row["text"], truncation=True, max_length=setup["max_length"]) for row in rows]
        for tokenizer in tokenizers
    ]

    def collate(numbers: list[int]) -> tuple[Any, Any, torch.Tensor]:
        padded = [
            tokenizer.pad([tokens[number] for number in numbers], return_tensors="pt")
            for tokenizer, tokens in zip(tokenizers, encoded, strict=True)
        ]
        return padded[0], padded[1], torch.tensor([rows[number]["label"] for number in numbers])

    batch = setup["batch_size"]
    numbers: Any = list(range(len(rows)))
    optimizer = torch.optim.AdamW(student.parameters(), lr=1e-4)
    scaler = torch.amp.GradScaler(device, enabled=dtype == torch.float16)
    student.train()
    teacher.eval()
    ends, temperature = [], 2.0
    for ours, theirs, labels in DataLoader(numbers, batch, shuffle=True, collate_fn=collate):
        with torch.autocast(device, dtype, enabled=dtype != torch.float32):
            with torch.no_grad():
                said = teacher(**theirs.to(device)).logits.float()
            logits = student(**ours.to(device)).logits.float()
        soft = functional.kl_div(
            functional.log_softmax(logits / temperature, -1),
            functional.log_softmax(said / temperature, -1),
            reduction="batchmean",
            log_target=True,
        )
        loss = 0.9 * temperature**2 * soft + 0.1 * functional.cross_entropy(logits, labels.to(device))
        optimizer.zero_grad()
        scaler.scale(loss).backward()  # type: ignore[no-untyped-call]
        scaler.unscale_(optimizer)
        torch.nn.utils.clip_grad_norm_(student.parameters(), 1.0)
        scaler.step(optimizer)
        scaler.update()
        loss.item()  # as whoever prints the loss does: on a GPU it waits for the step
        ends.append(time.perf_counter())
    return {"texts_per_second": rate(ends, len(rows), batch)}


def cached(folder: Path, loop: Loop, clock: Clock | None = None) -> dict[str, Any]:
    """The training of a student as the stage `distill` runs it."""
    from compressor.distill.distill import distill
    from compressor.distill.transfer_set import TransferSet

    setup, section, out = _opened(folder, loop)
    clock = clock or Clock()
    _workers(loop.change)
    _attention(loop.change)
    started = time.perf_counter()
    facts = distill(
        section,
        task=_task(folder, loop.change),
        student_folder=folder / "student",
        transfer_set=TransferSet(folder / "data", folder / "outputs"),
        teacher_folder=folder / "teacher",
        max_length=setup["max_length"],
        seed=setup["seed"],
        out=out,
        events=clock,
    )
    found = rate(clock.ends, setup["texts"], section.batch_size)
    return {
        "texts_per_second": found,
        "precision": facts["precision"],
        "seconds_to_step_5": clock.ends[SKIPPED_STEPS] - started,
    }


def label(folder: Path, loop: Loop) -> dict[str, Any]:
    """The teacher's outputs for the training texts, as a stage `label/NAME` computes them."""
    from compressor.distill.label import compute_outputs

    setup, _, out = _opened(folder, loop)
    facts = compute_outputs(
        task=_task(folder, ""),
        model_folder=folder / "teacher",
        data=folder / "data",
        texts=folder / "texts",
        max_length=setup["max_length"],
        out=out,
        events=Silent(),
    )
    return {"texts_per_second": facts["texts_per_second"], "precision": facts["precision"]}


def teach(folder: Path, loop: Loop) -> dict[str, Any]:
    """Fine-tuning of the teacher, as the stage `teach` runs it."""
    from compressor.distill.teacher import teach as fine_tune
    from compressor.recipe.teacher import TeacherSection

    setup, _, out = _opened(folder, loop)
    finetune = {"epochs": 1, "batch_size": setup["batch_size"], "early_stopping": None}
    clock = Clock()
    facts = fine_tune(
        TeacherSection.model_validate({"model": str(folder / "teacher"), "finetune": finetune}),
        task=_task(folder, loop.change),
        model_folder=folder / "teacher",
        data=folder / "data",
        max_length=setup["max_length"],
        seed=setup["seed"],
        out=out,
        events=clock,
    )
    found = rate(clock.ends, setup["texts"], setup["batch_size"])
    return {"texts_per_second": found, "precision": facts["precision"]}


def _opened(folder: Path, loop: Loop) -> tuple[dict[str, Any], Any, Path]:
    """Settings, the section `distill` with what the loop changes, and an empty folder to write to."""
    from compressor.recipe import load_recipe

    setup = json.loads((folder / "setup.json").read_text())
    section = load_recipe(folder / "recipe.yaml").distill
    assert section is not None  # `training.py` asks for it
    once = {"epochs": 1, "batch_size": setup["batch_size"], "evaluations_per_epoch": 1, "early_stopping": None}
    out = folder / "out"
    shutil.rmtree(out, ignore_errors=True)
    return setup, section.parts[-1].model_copy(update={**once, "until": None, **loop.section}), out


def _task(folder: Path, change: str) -> Any:
    """The task, as it is or with one thing done otherwise."""
    from compressor.data import load_output_names, load_split
    from compressor.recipe import load_recipe
    from compressor.tasks import get_task

    setup = json.loads((folder / "setup.json").read_text())
    task: Any = get_task(load_recipe(folder / "recipe.yaml").task)

    class Changed(type(task)):  # type: ignore[misc]  # whichever the task is
        def load_model(self, *args: Any, **kwargs: Any) -> Any:
            model = super().load_model(*args, **kwargs)
            if change == "compile":
                model.compile(dynamic=True)
            if change == "checkpointing":
                model.gradient_checkpointing_enable()
            return model

        def collator(self, tokenizer: Any) -> Any:
            plain = super().collator(tokenizer)
            split, names = load_split(folder / "data", "train"), load_output_names(folder / "data", self)

            def collate(rows: list[dict[str, Any]]) -> Any:
                columns = self.tokenize(tokenizer, split[[row["row_id"] for row in rows]], setup["max_length"], names)
                fresh = [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]
                return plain([{**row, **tokens} for row, tokens in zip(rows, fresh, strict=True)])

            # Validation has other texts under these numbers; it is not timed.
            return collate if change == "tokenize" else plain

    return Changed() if change in ("compile", "checkpointing", "tokenize") else task


def _workers(change: str) -> None:
    """Have processes of their own load the batches, which no setting of a recipe asks for."""
    from torch.utils.data import DataLoader

    from compressor.distill import batches

    if change.startswith("workers-"):
        count = int(change.removeprefix("workers-"))
        setattr(batches, "DataLoader", partial(DataLoader, num_workers=count))  # noqa: B010  # it is a class to mypy


def _attention(change: str) -> None:
    """Leave to PyTorch what it attends with, which no setting of a recipe asks for."""
    from compressor.distill import execution

    if change == "fused-attention":
        setattr(execution, "_PLAIN_UP_TO", 0)  # noqa: B010  # it is a constant to mypy


def profile(folder: Path, steps: int = 20) -> dict[str, Any]:
    """Where the time of a training step goes: shares of its parts, and the operators with most time of their own."""
    import torch
    from accelerate import Accelerator

    from compressor.distill.distiller import Distiller

    for owner, name, span in ((Distiller, "forward", "forward"), (Accelerator, "backward", "backward")):
        setattr(owner, name, torch.profiler.record_function(span)(getattr(owner, name)))
    activities = [torch.profiler.ProfilerActivity.CPU]
    if torch.cuda.is_available():
        activities.append(torch.profiler.ProfilerActivity.CUDA)
    profiler = torch.profiler.profile(activities=activities)

    def at_step(step: int) -> None:
        if step == SKIPPED_STEPS + 1:
            profiler.start()
        elif step == SKIPPED_STEPS + 1 + steps:
            profiler.stop()

    clock = Clock(at_step)
    loop = LOOPS["cached"]
    cached(folder, loop, clock)
    if len(clock.ends) < SKIPPED_STEPS + 1 + steps:
        raise SystemExit(f"--profile needs {SKIPPED_STEPS + 1 + steps} steps: give --texts more.")
    took = 1e6 * (clock.ends[SKIPPED_STEPS + steps] - clock.ends[SKIPPED_STEPS])
    averages = profiler.key_averages()
    spans = {"forward": "forward", "backward": "backward", "Optimizer.step": "optimizer", "enumerate": "data loading"}
    parts = dict.fromkeys(spans.values(), 0.0)
    for event in averages:
        for prefix, part in spans.items():
            if event.key == prefix or event.key.startswith((f"{prefix}#", f"{prefix}(")):
                parts[part] += event.cpu_time_total / took
    on = "self_device_time_total" if torch.cuda.is_available() else "self_cpu_time_total"
    operators = [event for event in averages if event.key.startswith(("aten::", "mkldnn"))] or list(averages)
    total = sum(getattr(event, on) for event in operators) or 1
    top = sorted(operators, key=lambda event: -getattr(event, on))[:15]
    return {
        "parts": {**parts, "other": 1 - sum(parts.values())},
        "operators": [[event.key, event.count, getattr(event, on) / total] for event in top],
        "steps": steps,
    }


def main() -> None:
    folder, name = Path(sys.argv[1]), sys.argv[2]
    kinds: dict[str, Callable[[Path, Loop], dict[str, Any]]]
    kinds = {"live": live, "cached": cached, "label": label, "teach": teach}
    found = profile(folder) if name == "profile" else kinds[LOOPS[name].kind](folder, LOOPS[name])
    import torch

    if torch.cuda.is_available():
        found["device_peak_mb"] = torch.cuda.max_memory_allocated() / 1e6
    sys.stdout.write("\n" + json.dumps({**found, "peak_mb": read_resident().peak_mb}) + "\n")


if __name__ == "__main__":
    main()
