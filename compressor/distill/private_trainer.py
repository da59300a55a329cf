"""Training with differential privacy: each example's gradient is clipped by itself, and noise is added to their sum.

opacus clips, adds noise and keeps the account. Gradients are computed for one example at a time, by an ordinary
backward pass. Those of a whole batch at once, as opacus has them, take it that every layer is given a row for each
example and that the loss is a mean over examples: position embeddings, relative positions and losses that are means
over tokens are not like that. So the bound holds for every architecture and every objective, and memory holds the
gradient of one example, whatever the batch.
"""

from __future__ import annotations

import secrets
from itertools import groupby
from operator import itemgetter
from typing import Any

import torch
from opacus.optimizers import DPOptimizer
from torch.optim import Optimizer
from torch.utils.data import DataLoader

from compressor.data import examples_of
from compressor.distill.batches import PoissonBatches, loader
from compressor.distill.privacy import Privacy
from compressor.distill.trainer import DistillationTrainer

__all__ = ["PrivateOptimizer", "PrivateTrainer"]

_EXAMPLES = "examples"


class PrivateOptimizer(DPOptimizer):  # type: ignore[misc]  # opacus is untyped to mypy
    """An optimizer that is given one example after another, and steps along their clipped gradients and noise."""

    def __init__(self, optimizer: Optimizer, privacy: Privacy) -> None:
        device = optimizer.param_groups[0]["params"][0].device
        super().__init__(
            optimizer,
            noise_multiplier=privacy.noise_multiplier,
            max_grad_norm=privacy.max_grad_norm,
            expected_batch_size=privacy.examples_a_step,
            generator=torch.Generator(device),
        )

    def take(self) -> None:
        """Clip the gradient that the parameters have, that of one example, and add it to those of the step."""
        for parameter in self.params:
            gradient = torch.zeros_like(parameter) if parameter.grad is None else parameter.grad
            parameter.grad_sample, parameter.grad = gradient[None], None
        self.clip_and_accumulate()
        for parameter in self.params:
            parameter.grad_sample = None

    def step(self, closure: Any = None) -> Any:
        """Add noise to what was taken, which may be nothing, and update the weights."""
        for parameter in self.params:
            parameter.grad_sample = parameter.new_empty((0, *parameter.shape))
        # The recipe's seed is no secret. PyTorch's generator for the CPU keeps 32 bits of a seed, few for a training.
        self.generator.manual_seed(secrets.randbits(63))
        found = super().step(closure)
        self.zero_grad(set_to_none=True)
        return found


class PrivateTrainer(DistillationTrainer):
    """The Trainer, which draws each example by itself, learns from one at a time, and adds noise to every step."""

    def __init__(self, *args: Any, privacy: Privacy, parts: int, **others: Any) -> None:
        """
        Args:
            parts: batches into which each step is parted.
        """
        super().__init__(*args, **others)
        self.privacy = privacy
        self.parts = parts
        self.private: Any = None

    def get_train_dataloader(self) -> DataLoader[Any]:
        steps = -(-len(self.train_dataset) // (self.args.train_batch_size * self.parts))
        batches = PoissonBatches(examples_of(self.train_dataset), self.privacy.sample_rate, steps, self.parts)
        pinned = self.args.dataloader_pin_memory
        found: DataLoader[Any] = loader(self.train_dataset, batches, self._apart, self.args.device, pin_memory=pinned)
        return found

    def create_optimizer(self, model: Any = None) -> Optimizer:
        optimizer = super().create_optimizer(model)
        if self.private is None:
            optimizer = self.optimizer = self.private = PrivateOptimizer(optimizer, self.privacy)
        return optimizer

    def learn(self, model: Any, inputs: Any, num_items_in_batch: Any = None) -> torch.Tensor:
        model.train()
        examples = self._prepare_inputs(inputs)[_EXAMPLES]
        losses = [self._learn_one(model, example) for example in examples]
        self.samples += sum(len(example["input_ids"]) for example in examples)
        if losses:  # else the step took none for this batch
            self.step_loss = sum(losses) / len(losses)
        loss = self.step_loss if losses else 0.0
        return torch.tensor(loss / self.current_gradient_accumulation_steps, device=self.args.device)

    def gradients(self, model: Any) -> list[torch.Tensor]:
        return [summed for one in model.parameters() if (summed := getattr(one, "summed_grad", None)) is not None]

    def _learn_one(self, model: Any, example: Any) -> float:
        with self.compute_loss_context_manager():
            loss: torch.Tensor = model(**example)["loss"]
        self.accelerator.backward(loss)
        self.private.take()
        return loss.item()

    def _apart(self, rows: list[dict[str, Any]]) -> dict[str, Any]:
        """A batch for each example, of its rows alone."""
        return {_EXAMPLES: [self.data_collator(list(own)) for _, own in groupby(rows, itemgetter("example_id"))]}
