"""Copies of training texts as a whole: what is written, counted, left out, and that nothing of evaluation gets in."""

from __future__ import annotations

import json
import tracemalloc
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from compressor.data import augmented, load_split, load_texts, make_texts
from compressor.data.clean import normalise
from compressor.errors import DataError, RecipeError
from compressor.recipe.augment import AugmentSection
from compressor.task_specs import TaskSpec, task_spec
from tests import tiny
from tests.data.support import Listener, made_spec, run, texts, write

TAGS = task_spec("token-classification")


def section(*kinds: str, **settings: Any) -> AugmentSection:
    listed = {"kinds": [{"kind": kind} for kind in kinds]} if kinds else {}
    return AugmentSection.model_validate({**listed, **settings})


def make(data: Path, out: Path, made: AugmentSection, spec: TaskSpec | None = None, **settings: Any) -> dict[str, Any]:
    arguments = {"seed": 1, "events": Listener(), **settings}
    return make_texts(made, spec or task_spec("text-classification"), data=data, out=out, **arguments)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory, reviews_csv: Path) -> Path:
    """200 reviews, split. Read only."""
    out = tmp_path_factory.mktemp("data")
    run(out, reviews_csv)
    return out


@pytest.fixture(scope="module")
def pairs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Pairs of texts, split. Read only."""
    folder = tmp_path_factory.mktemp("pairs")
    rows = [{"text": f"a b c d {i}", "text_pair": f"p q r s {i}", "label": "xy"[i % 2]} for i in range(60)]
    run(folder / "data", write(folder, rows), columns={"text_pair": "text_pair"})
    return folder / "data"


def test_each_training_text_is_copied_and_says_where_it_comes_from(data: Path, tmp_path: Path) -> None:
    events = Listener()
    facts = make(data, tmp_path, section("swap-words", "typos", copies=3), events=events)
    train, made = load_split(data, "train"), load_texts(tmp_path)
    assert made.column_names == ["text", "label", "example_id", "origin", "parent"]
    assert made["example_id"][:] == list(range(len(made)))
    assert set(made["label"]) == {None}
    assert made.features["label"] == train.features["label"]
    assert set(made["parent"]) <= set(range(len(train))) and len(set(made["parent"])) > 0.9 * len(train)
    for row in made.select(range(50)):
        original = train[row["parent"]]["text"]
        assert row["text"] != original and len(row["text"].split()) == len(original.split())
    assert facts["made"] == 3 * len(train) == facts["kept"] + sum(facts["dropped"].values())
    assert facts["origins"] == dict(sorted(Counter(made["origin"]).items()))
    assert facts["words"]["max"] == max(len(text.split()) for text in made["text"])
    assert events.notes[-1].startswith(f"augment: {facts['kept']:,} of {facts['made']:,} texts kept")


def test_no_text_of_evaluation_is_made_and_none_twice(tmp_path: Path) -> None:
    rows = [{"text": f"one{i} Two{i}", "label": "xy"[i % 2]} for i in range(40)]
    swapped = [{"text": f"two{i}  ONE{i}", "label": "xy"[i % 2]} for i in range(40)]
    file = {"train": write(tmp_path, rows), "test": write(tmp_path, swapped, stem="test")}
    run(tmp_path / "data", file, split={"validation": 0.25})
    swap = AugmentSection.model_validate({"kinds": [{"kind": "swap-words", "share": 1}], "copies": 2})
    with pytest.raises(DataError, match=r"None of 60 texts can be used: in evaluation 60\."):
        make(tmp_path / "data", tmp_path / "made", swap)
    facts = make(tmp_path / "data", tmp_path / "made", section("n-gram", copies=30))
    made = list(load_texts(tmp_path / "made")["text"])
    assert len(set(made)) == len(made)
    held_out = {normalise(text) for split in ("validation", "test") for text in texts(tmp_path / "data", split)}
    assert not held_out & {normalise(text) for text in made}
    assert facts["dropped"]["made_before"] and facts["dropped"]["in_training"]


def test_what_differs_from_training_in_case_alone_is_kept(data: Path, tmp_path: Path) -> None:
    noise = AugmentSection.model_validate({"kinds": [{"kind": "noise", "case": 1, "punctuation": 0}], "copies": 1})
    make(data, tmp_path, noise)
    made = load_texts(tmp_path)
    train = load_split(data, "train")
    assert all(row["text"].lower() == train[row["parent"]]["text"].lower() for row in made)


def test_copies_depend_on_seed_row_and_number_alone(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def made(name: str, **settings: Any) -> list[str]:
        seed = settings.pop("seed", 1)
        make(data, tmp_path / name, section(compose=2, **settings), seed=seed)
        return list(load_texts(tmp_path / name)["text"])

    first = made("first", copies=2)
    assert set(first) <= set(made("more", copies=4))
    monkeypatch.setattr(augmented, "_BATCH", 7)
    assert made("small", copies=2) == first
    assert made("other", copies=2, seed=2) != first
    assert made("again", copies=2) == first


def test_a_count_is_spread_evenly(data: Path, tmp_path: Path) -> None:
    facts = make(data, tmp_path, section("typos", count=250, copies=7))
    assert facts["made"] == 250
    per_row = Counter(load_texts(tmp_path)["parent"])
    assert max(per_row.values()) == 2


def test_kinds_are_drawn_by_weight_and_composed_in_their_order(data: Path, tmp_path: Path) -> None:
    kinds = [{"kind": "swap-words", "weight": 9}, {"kind": "typos"}, {"kind": "delete-span"}]
    one = make(data, tmp_path / "one", AugmentSection.model_validate({"kinds": kinds[:2], "copies": 4}))
    assert one["origins"]["swap-words"] > 4 * one["origins"]["typos"]
    two = make(data, tmp_path / "two", AugmentSection.model_validate({"kinds": kinds, "copies": 4, "compose": 2}))
    assert set(two["origins"]) == {"swap-words+typos", "swap-words+delete-span", "typos+delete-span"}


def test_of_a_pair_one_text_is_changed(pairs: Path, tmp_path: Path) -> None:
    train = load_split(pairs, "train")

    def changed(out: Path, **settings: Any) -> Counter[str]:
        make(pairs, out, section("swap-words", **settings))
        return Counter(
            role for row in load_texts(out) for role in ("text", "text_pair") if row[role] != train[row["parent"]][role]
        )

    made = changed(tmp_path / "either")
    assert min(made["text"], made["text_pair"]) > 30 and made.total() == len(load_texts(tmp_path / "either"))
    assert set(changed(tmp_path / "second", roles=("text_pair",))) == {"text_pair"}


def test_roles_that_the_data_or_the_task_lack_are_refused(data: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"data\.augment\.roles names 'text_pair'[\s\S]*Its texts are text;"):
        make(data, tmp_path, section(roles=("text_pair",)))
    with pytest.raises(RecipeError, match=r"roles\.0: text-classification has no text 'label'"):
        make(data, tmp_path, section(roles=("label",)))


def test_tagged_text_keeps_its_words_apart(tmp_path: Path) -> None:
    run(tmp_path / "data", tiny.write_conll(tmp_path / "names.conll", 60), spec=TAGS)
    facts = make(tmp_path / "data", tmp_path / "made", section(copies=2), TAGS)
    assert set(facts["origins"]) == {"random-words"}
    train = load_split(tmp_path / "data", "train")
    for row in load_texts(tmp_path / "made"):
        assert len(row["text"].split()) == len(train[row["parent"]]["text"].split())
        assert row["tags"] is None
    with pytest.raises(RecipeError, match=r"kinds\.1: delete-span doesn't keep the words apart[\s\S]*use random-words"):
        make(tmp_path / "data", tmp_path / "bad", section("typos", "delete-span"), TAGS)


def test_questions_are_plain_texts_to_change(tmp_path: Path) -> None:
    spec = task_spec("question-answering")
    run(tmp_path / "data", tiny.write_questions(tmp_path / "q.jsonl", 60), spec=spec)
    make(tmp_path / "data", tmp_path / "made", section("delete-span", roles=("context",)), spec)
    made = load_texts(tmp_path / "made")
    assert set(made["question"]) == {"was it good", "was it bad"} and set(map(str, made["answers"])) == {"None"}


def test_data_without_a_target_has_no_column_for_it(tmp_path: Path) -> None:
    spec = made_spec("score", "text", optional=("score",))
    run(tmp_path / "data", write(tmp_path, [{"text": f"one two three {i}"} for i in range(50)]), spec=spec)
    make(tmp_path / "data", tmp_path / "made", section(copies=1), spec)
    assert load_texts(tmp_path / "made").column_names == ["text", "example_id", "origin", "parent"]


def test_lengths_are_limits_and_known_texts_are_not_made_again(data: Path, tmp_path: Path) -> None:
    limited = section("n-gram", copies=2, min_words=3, max_words=4)
    facts = make(data, tmp_path / "made", limited)
    lengths = {len(text.split()) for text in load_texts(tmp_path / "made")["text"]}
    assert lengths == {3, 4} and facts["dropped"]["too_short"] and facts["dropped"]["too_long"]
    with pytest.raises(DataError, match="made before"):
        make(data, tmp_path / "again", limited, known=[tmp_path / "made"])


def test_the_file_says_what_it_was_made_by(data: Path, tmp_path: Path) -> None:
    for name, settings in {"a": {"copies": 1}, "b": {"copies": 1}, "c": {"copies": 2}}.items():
        make(data, tmp_path / name, section("typos", **settings))
    contents = [(tmp_path / name / "texts.arrow").read_bytes() for name in "abc"]
    assert contents[0] == contents[1]
    prints = [load_texts(tmp_path / name)._fingerprint for name in "ac"]
    assert prints[0] != prints[1] and json.dumps(prints[0])


def test_memory_does_not_grow_with_the_texts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond the hashes: 8 bytes a text, twice that while they are sorted."""
    monkeypatch.setattr(augmented, "_BATCH", 200)
    monkeypatch.setattr(augmented, "SAMPLE", 100)
    rows = [{"text": f"w{i % 97} film w{i % 89} story w{i % 83}", "label": "xy"[i % 2]} for i in range(600)]
    run(tmp_path / "data", write(tmp_path, rows))
    peaks = []
    for copies in (1, 1, 12):  # the first one imports
        tracemalloc.start()
        facts = make(tmp_path / "data", tmp_path / f"made-{copies}", section("random-words", copies=copies))
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert facts["made"] == 480 * 12
    assert peaks[2] - peaks[1] < 40 * facts["made"]
