"""A whole audit of made-up answers: one that hangs on a name is found out, and a sound one is accused of nothing."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest

from compressor.bench import separation, statistics
from compressor.evaluate import Inquiry, JudgedSplit, Texts, evaluate, unchecked
from tests import tiny
from tests.evaluate.splits import asking, bad, chance

NAMES = ("maria", "peter")
WORDS = [f"{first}{second}" for first in ("ba", "de", "fi", "go", "ku", "la", "mo") for second in "bcdfghjklmnprst"]
Logits = Callable[[str], tuple[float, float]]


def reviews(count: int, seed: int) -> list[tuple[str, int]]:
    """Made-up reviews with their labels, which go with no name."""
    generator = random.Random(seed)
    found = []
    for _ in range(count):
        label = generator.randrange(2)
        name = generator.choice((*NAMES, "nobody"))
        told = generator.choice(tiny.POSITIVE if label else tiny.NEGATIVE)
        words = [told, name, *generator.choices(WORDS, k=generator.randint(8, 16))]
        found.append((" ".join(generator.sample(words, len(words))), label))
    return found


def sound(seed: int, against: str = "") -> Logits:
    """A model that reads the telling word, is more or less sure of it, and errs on one text of eight. `against` is a
    name that it holds against a text."""

    def logits(text: str) -> tuple[float, float]:
        words = text.lower().split()
        right = 1 if any(word in tiny.POSITIVE for word in words) else -1
        sure = 3 * chance(text, seed) * (-1 if chance(text, seed + 1) < 0.12 else 1)
        return 0.0, right * sure - (4.0 if against in words else 0.0)

    return logits


def asked(mine: Logits, theirs: Logits, seed: int) -> JudgedSplit:
    test, training = reviews(300, seed), reviews(150, 1000 + seed)
    inquiry = Inquiry(
        slices=(r"name=\bmaria\b", r"other=\bpeter\b"),
        terms=(NAMES,),
        training=Texts([{"text": text} for text, _ in training], [label for _, label in training]),
        corpora={"training": [{"text": text} for text, _ in training]},
        outside=Texts([{"text": text[::-1]} for text, _ in training]),
        synonyms={"good": ("warm",), "bad": ("cold",), "dull": ("boring",), "funny": ("moving",)},
        texts=40,
        attack=20,
        attack_queries=20,
        seed=seed,
    )
    texts, labels = zip(*test, strict=True)
    return asking(mine, theirs, texts=texts, targets=labels, inquiry=inquiry)


@pytest.fixture(autouse=True)
def _coarse_intervals(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is found doesn't hang on the intervals."""
    for module in (statistics, separation):
        monkeypatch.setattr(module, "RESAMPLES", 10)


def said(split: JudgedSplit) -> list[str]:
    return [sentence for finding in evaluate(split) for sentence in bad(finding)]


def test_a_model_that_holds_a_name_against_a_text_is_found_out_by_its_group_and_by_the_name() -> None:
    split = asked(sound(0, "maria"), sound(50), 0)
    found = said(split)
    assert any("answers “name” worse than the rest" in one for one in found)
    assert any("“name” lost" in one and "hurt this group more" in one for one in found)
    assert any("by a word alone: “peter” in the place of “maria”" in one for one in found)
    assert not any("“other”" in one for one in found)
    lacking = [title for title, _ in unchecked(split)]
    assert set(lacking) == {
        "Negation",
        "Texts that the bundle carries",
        "Planted texts learned by heart",
        "Unsure answers",
    }


@pytest.mark.parametrize(
    "seeds", [pytest.param(range(3), id="3"), pytest.param(range(3, 20), id="20", marks=pytest.mark.slow)]
)
def test_sound_models_are_accused_of_nothing(seeds: range) -> None:
    assert [one for seed in seeds for one in said(asked(sound(2 * seed), sound(500 + 2 * seed), seed))] == []
