"""Whether a model's answers give away which texts it was trained on."""

from __future__ import annotations

from typing import ClassVar, NamedTuple

import numpy as np

from compressor.bench.separation import auc, auc_interval, auc_p_value, share_above, share_above_interval
from compressor.bench.statistics import FloatArray, holm
from compressor.evaluate.base import LEVEL, Answered, Audit, Inquiry, JudgedSplit, Texts, scores_of
from compressor.report import format as fmt
from compressor.report.blocks import Block, Cell, Finding, Prose, table

__all__ = ["EVALUATION", "Membership"]

FALSE_ALARMS = 0.01
MOST = 2000
"""Training texts that are asked."""
FEWEST = 100
SMALLEST = 1e-12
HEADER = (
    "attack",
    "AUC",
    f"found, {fmt.percent(FALSE_ALARMS)} false alarms",
    "p",
    "mean loss\ntraining",
    "mean loss\ntest",
)


class _Attack(NamedTuple):
    """What an attacker looks at: the lower it is, the more a text looks like one of the training."""

    name: str
    seen: FloatArray
    """Of the training texts [n]."""
    unseen: FloatArray
    """Of the test texts [m]."""


class Membership(Audit):
    """Membership inference from outside: is the loss of training texts lower than that of test texts?

    Two attacks. The loss alone (Yeom et al. 2018, arXiv 1709.01604). And its difference from the loss of the model
    beside it, which takes away how easy a text is by itself, so that what is left is what this model learned by heart
    beyond the other: in the spirit of LiRA (Carlini et al. 2022, arXiv 2112.03570), with one reference, which saw the
    same texts where it is the teacher. An attacker who can train models of his own may do better than both.
    """

    order: ClassVar[int] = 70
    title: ClassVar[str] = "Leakage: who was in the training texts"

    def figures(self, inquiry: Inquiry) -> tuple[str, ...]:
        return ("membership_auc", "membership_found")

    def missing(self, split: JudgedSplit, inquiry: Inquiry) -> str | None:
        if inquiry.training is None:
            return "Give what the model was trained on: --training FILE, or in a recipe membership: true."
        if split.task.spec.target != "one-label" or scores_of(split.model, split.labels) is None:
            return "It takes answers of one label each, with a probability for every label."
        if min(len(split.targets), len(inquiry.training.targets)) < FEWEST:
            return f"It takes {FEWEST} texts with right answers of the training and of the test."
        return None

    def examine(self, split: JudgedSplit, inquiry: Inquiry) -> Finding:
        assert inquiry.training is not None
        training = _sample(inquiry.training, inquiry.seed)
        attacks = _attacks(split, training)
        p_values = holm([auc_p_value(-one.seen, -one.unseen) for one in attacks])
        blocks: tuple[Block, ...] = (
            Prose(
                f"{len(training.targets)} training and {len(split.targets)} test texts. AUC is how likely a training "
                "text looks more like one than a test text does: 0.5 gives nothing away. What is found at few false "
                "alarms is what an attacker could be sure of. Both have 95% intervals; p is the chance of such an AUC "
                "where nothing is given away, with all attacks taken together (Mann-Whitney, Holm).",
                "remark",
            ),
            table(HEADER, [_row(one, p, inquiry.seed) for one, p in zip(attacks, p_values, strict=True)]),
            _sentence([one.name for one, p in zip(attacks, p_values, strict=True) if p < LEVEL]),
        )
        first = attacks[0]
        figures = {
            "membership_auc": auc(-first.seen, -first.unseen),
            "membership_found": share_above(-first.seen, -first.unseen, FALSE_ALARMS),
        }
        return Finding(self.title, blocks, figures)


def _attacks(split: JudgedSplit, training: Texts) -> list[_Attack]:
    """The loss of each model, and the difference of the two."""
    found = [
        _Attack(f"loss of {one.name}", *_losses(one, split, training)) for one in split.models if one.ask is not None
    ]
    if len(found) > 1:
        assert split.reference is not None
        mine, theirs = found
        name = f"{split.model.name} less {split.reference.name}"
        found.append(_Attack(name, mine.seen - theirs.seen, mine.unseen - theirs.unseen))
    return found


def _row(attack: _Attack, p_value: float, seed: int) -> tuple[Cell, ...]:
    seen, unseen = attack.seen, attack.unseen
    value, interval = auc(-seen, -unseen), auc_interval(-seen, -unseen, seed=seed)
    found = share_above(-seen, -unseen, FALSE_ALARMS)
    sure = share_above_interval(-seen, -unseen, FALSE_ALARMS, seed=seed)
    return (
        attack.name,
        f"{value:.3f} ({interval.low:.3f}-{interval.high:.3f})",
        f"{fmt.percent(found)} ({fmt.percent(sure.low)} to {fmt.percent(sure.high)})",
        fmt.p_value(p_value),
        fmt.number(float(seen.mean())),
        fmt.number(float(unseen.mean())),
    )


def _sample(texts: Texts, seed: int) -> Texts:
    if len(texts.examples) <= MOST:
        return texts
    chosen = np.sort(np.random.default_rng(seed).choice(len(texts.examples), MOST, replace=False))
    return Texts([texts.examples[i] for i in chosen], [texts.targets[i] for i in chosen])


def _losses(answered: Answered, split: JudgedSplit, training: Texts) -> tuple[FloatArray, FloatArray]:
    """Negative log-likelihood of the right label: of the training texts [n], of the test texts [m]."""
    assert answered.ask is not None
    seen = Answered(answered.name, answered.ask(training.examples))
    return _loss(seen, split.labels, training.targets), _loss(answered, split.labels, split.targets)


def _loss(answered: Answered, labels: tuple[str, ...], targets: object) -> FloatArray:
    scores = scores_of(answered, labels)
    assert scores is not None
    right = np.asarray(targets, dtype=np.int64)
    found: FloatArray = -np.log(np.maximum(scores[np.arange(len(right)), right], SMALLEST))
    return found


def _sentence(beyond: list[str]) -> Prose:
    if not beyond:
        return Prose("None of these attacks tells training from test texts beyond chance.")
    return Prose(f"Training texts can be told from others beyond chance, by: {'; '.join(beyond)}.", tone="bad")


EVALUATION = Membership()
