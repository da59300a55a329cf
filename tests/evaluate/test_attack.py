from __future__ import annotations

import math
from dataclasses import asdict, replace

import numpy as np
import pytest

from compressor.bench.statistics import FloatArray
from compressor.evaluate import Inquiry
from compressor.evaluate.attack import EVALUATION
from compressor.evaluate.attacks import Attempt, attack, misspelt
from compressor.report.blocks import Details, Prose
from compressor.runtime.tasks import runtime_task
from tests.evaluate.splits import asking

WEIGHTS = {"great": 1.0, "gripping": 3.0, "fun": 1.5}
ASKS = Inquiry(attack=40)


def probability(text: str) -> float:
    """Of the label 1: a sum over words, so that the best attack is known: the heaviest words go first."""
    return 1 / (1 + math.exp(-sum(WEIGHTS.get(word, -0.4) for word in text.split())))


class Toy:
    """Answers and keeps how much it was asked at once."""

    def __init__(self) -> None:
        self.batches: list[list[str]] = []

    def __call__(self, texts: list[str]) -> FloatArray:
        self.batches.append(texts)
        found = np.asarray([probability(text) for text in texts])
        return np.stack([1 - found, found], axis=1)

    @property
    def asked(self) -> int:
        return sum(map(len, self.batches))


def tried(text: str, queries: int = 200, seed: int = 0) -> tuple[Attempt, Toy]:
    """Each word may become `-`, which weighs little, or itself with a mark, which weighs as much as an unknown word."""
    toy = Toy()
    found = attack(
        text, 1, probability(text), toy, lambda place, word: [f"{word}x", "great"], queries=queries, seed=seed
    )
    return found, toy


def test_the_heaviest_word_is_replaced_first_and_no_more_words_than_it_takes() -> None:
    found, toy = tried("a great and gripping film")
    assert found == Attempt("a great and grippingx film", 0, 7, 0.2), "2.8 without the heaviest is below 0"
    assert [len(batch) for batch in toy.batches] == [5, 2], "words are ranked at once, candidates asked at once"
    assert toy.asked == found.queries


def test_words_are_replaced_one_after_another_while_the_answer_stays() -> None:
    found, _ = tried("great great great gripping fun and so on and on")
    assert found.text == "greatx great great grippingx funx and so on and on" and found.answer == 0
    assert found.changed == 0.3


def test_what_does_not_flip_keeps_within_its_share_of_words() -> None:
    found, _ = tried("gripping gripping gripping gripping gripping")
    assert not found.flipped and found.changed == 0.4 and found.text.split().count("grippingx") == 2


def test_one_word_may_always_be_changed_and_a_text_without_words_never_flips() -> None:
    assert tried("fun")[0] == Attempt("funx", 0, 3, 1.0)
    assert tried("!!!")[0] == Attempt("!!!", None, 0, 0)


@pytest.mark.parametrize("queries", [2, 3, 5, 8, 13])
def test_no_more_is_asked_than_the_budget_allows(queries: int) -> None:
    text = " ".join(["gripping"] * 30)
    found, toy = tried(text, queries)
    assert found.queries == toy.asked <= queries
    assert len(toy.batches[0]) == queries // 2, "half of it ranks words, and the rest tries some"
    assert found == tried(text, queries)[0]


def test_candidates_that_lower_nothing_are_not_taken() -> None:
    toy = Toy()
    found = attack("gripping", 1, probability("gripping"), toy, lambda place, word: ["gripping"], queries=9, seed=0)
    assert found == Attempt("gripping", None, 2, 0)


def test_misspelt_words_are_one_slip_away() -> None:
    found = misspelt("gripping", np.random.default_rng(0))
    assert len(found) == 4 and all(word[0] == "g" and word[-1] == "g" for word in found)
    assert sorted(map(len, found)) == [7, 8, 8, 9] and found == misspelt("gripping", np.random.default_rng(0))
    assert misspelt("not", np.random.default_rng(0)) == ["n\N{CYRILLIC SMALL LETTER O}t"]
    assert misspelt("'", np.random.default_rng(0)) == []


GOOD = [f"a gripping film, number {i}" for i in range(30)]
BAD = [f"a tedious thing, number {i}" for i in range(30)]
TEXTS, TARGETS = GOOD + BAD, [1] * 30 + [0] * 30


def reads_one_word(text: str) -> tuple[float, float]:
    return (0.0, 3.0) if "gripping" in text else (3.0, 0.0)


def reads_letters(text: str) -> tuple[float, float]:
    """Reads on where one letter is wrong."""
    return (0.0, 3.0) if text.count("g") + text.count("p") > 2 else (3.0, 0.0)


def test_the_model_that_is_easier_to_attack_is_named_with_texts() -> None:
    inquiry = Inquiry(attack=60)
    found = EVALUATION.run(asking(reads_one_word, reads_letters, texts=TEXTS, targets=TARGETS, inquiry=inquiry))
    assert found.figures["attacked_accuracy"] == found.figures["attack_flipped"] == 0.5
    assert found.figures["attack_changed"] == pytest.approx(0.2) and found.figures["attack_queries"] < 12
    (said,) = [block for block in found.blocks if isinstance(block, Prose) and block.tone == "bad"]
    assert "30 flip for onnx int8 alone, 0 for teacher alone" in said.text
    assert any(isinstance(block, Details) for block in found.blocks)


def test_a_model_beside_itself_is_not_easier_and_the_seed_decides() -> None:
    def run(seed: int, attacked: int = 40) -> str:
        asks = Inquiry(attack=attacked, seed=seed)
        return str(EVALUATION.run(asking(reads_one_word, reads_one_word, texts=TEXTS, targets=TARGETS, inquiry=asks)))

    assert "tone='bad'" not in run(1) and run(1) == run(1) != run(2)


def test_wrong_answers_are_not_attacked_and_without_examples_no_text_is_shown() -> None:
    wrong = asking(reads_one_word, texts=TEXTS, targets=[1 - label for label in TARGETS], inquiry=ASKS)
    found = EVALUATION.run(wrong)
    assert found.figures == {"attacked_accuracy": 0.0}
    judged = asking(reads_one_word, texts=TEXTS, targets=TARGETS, inquiry=ASKS)
    assert "film, number" in str(asdict(EVALUATION.run(judged)))
    assert "film, number" not in str(asdict(EVALUATION.run(replace(judged, show_examples=False))))


def test_it_is_made_where_it_is_asked_for_alone() -> None:
    judged = asking(reads_one_word, texts=TEXTS, targets=TARGETS, inquiry=ASKS)
    assert "--attack 100" in (EVALUATION.missing(judged, Inquiry()) or "")
    assert EVALUATION.missing(judged, ASKS) is None
    several = replace(judged, task=runtime_task("multi-label-classification"))
    assert "one label" in (EVALUATION.missing(several, ASKS) or "")
    assert "right answers" in (EVALUATION.missing(replace(judged, targets=[]), ASKS) or "")
