"""Tagged text: tokens with tags, character spans, CoNLL files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import datasets
import pytest
from datasets import ClassLabel, Dataset, DatasetDict, Features, Value
from hypothesis import given
from hypothesis import strategies as st

from compressor.data import load_labels, load_prepared, load_split
from compressor.data.entities import join_tags
from compressor.errors import DataError
from tests.data.support import Row, install, made_spec, rows_of, run, write

TAGS = made_spec("tags", "text", "spans", name="made-up-tagging")
COLUMNS = {"text": "tokens", "spans": "tags"}


def tagged(count: int) -> list[Row]:
    """Sentences such as "Ada Lovelace 3 visits Paris", distinct by their number."""
    return [
        {"tokens": ["Ada", "Lovelace", str(i), "visits", "Paris"], "tags": ["B-PER", "I-PER", "O", "O", "B-LOC"]}
        for i in range(count)
    ]


def spans_of(i: int) -> list[dict[str, Any]]:
    start = len(f"Ada Lovelace {i} visits ")
    return [{"start": 0, "end": 12, "label": "PER"}, {"start": start, "end": start + 5, "label": "LOC"}]


def conll(rows: list[Row], middle: str = " NN x ") -> str:
    lines = ("\n".join(f"{t}{middle}{g}" for t, g in zip(row["tokens"], row["tags"], strict=True)) for row in rows)
    return "-DOCSTART- -X- -X- O\n\n" + "\n\n".join(lines) + "\n"


EXPECTED = {f"Ada Lovelace {i} visits Paris": spans_of(i) for i in range(40)}


def found(out: Path) -> dict[str, Any]:
    return {row["text"]: row["spans"] for row in rows_of(out)}


@pytest.mark.parametrize("kind", ["jsonl", "parquet"])
def test_tags_of_tokens_become_spans_of_characters(tmp_path: Path, kind: str) -> None:
    facts = run(tmp_path / "out", write(tmp_path, tagged(40), kind), spec=TAGS, columns=COLUMNS)
    assert found(tmp_path / "out") == EXPECTED
    assert load_labels(tmp_path / "out") == ["LOC", "PER"]
    assert load_prepared(tmp_path / "out")["tag_scheme"] == "entities"
    assert load_split(tmp_path / "out", "train").column_names == ["text", "spans", "example_id"]
    assert facts["splits"]["train"]["labels"] == {"LOC": 32, "PER": 32}


@pytest.mark.parametrize("name", ["a.conll", "a.txt", "a.iob2"])
@pytest.mark.parametrize("middle", [" ", "\t", " NN x "])
def test_a_conll_file_gives_the_same(tmp_path: Path, name: str, middle: str) -> None:
    path = tmp_path / name
    path.write_text(conll(tagged(40), middle))
    run(tmp_path / "out", path, spec=TAGS)
    assert found(tmp_path / "out") == EXPECTED


def test_columns_of_a_conll_file_are_numbers_from_1(tmp_path: Path) -> None:
    path = tmp_path / "a.conll"
    path.write_text(conll(tagged(40), " NN x "))
    run(tmp_path / "out", path, spec=TAGS, columns={"text": "1", "spans": "2"})
    assert load_labels(tmp_path / "out") == ["NN"]
    assert load_prepared(tmp_path / "out")["tag_scheme"] == "plain"
    with pytest.raises(DataError, match=r"no column 'ner'[\s\S]*counted from 1"):
        run(tmp_path / "out", path, spec=TAGS, columns={"text": "1", "spans": "ner"})


def test_parts_of_speech_are_a_span_a_word(tmp_path: Path) -> None:
    lines = [
        f"# sent_id = {i}\n# text = Dogs bark {i}\n1-2\tDogsbark\t_\t_\n1\tDogs\tdog\tNOUN\n2\tbark\tbark\tVERB\n"
        f"3\t{i}\t{i}\t_\n"
        for i in range(30)
    ]
    path = tmp_path / "a.conllu"
    path.write_text("\n".join(lines))
    run(tmp_path / "out", path, spec=TAGS)
    assert load_prepared(tmp_path / "out")["tag_scheme"] == "plain"
    assert found(tmp_path / "out")["Dogs bark 7"] == [
        {"start": 0, "end": 4, "label": "NOUN"},
        {"start": 5, "end": 9, "label": "VERB"},
    ]


def test_documents_of_a_conll_file_stay_together(tmp_path: Path) -> None:
    path = tmp_path / "a.conll"
    path.write_text("\n".join(conll(tagged(100)[i : i + 5]) for i in range(0, 100, 5)))
    facts = run(tmp_path / "out", path, spec=TAGS, split={"group": "document"})
    assert facts["groups"]["count"] == 20
    assert sum(facts["groups"]["splits"].values()) == 20


@pytest.mark.parametrize(
    "as_span",
    [
        lambda span: span,
        lambda span: [span["start"], span["end"], span["label"]],
        lambda span: {
            "start_position": span["start"],
            "end_position": span["end"],
            "entity_type": span["label"],
            "entity_value": "x",
        },
    ],
)
def test_character_spans_are_kept(tmp_path: Path, as_span: Any) -> None:
    rows = [{"text": text, "spans": list(map(as_span, reversed(spans)))} for text, spans in EXPECTED.items()]
    rows.append({"text": "nothing here", "spans": []})
    run(tmp_path / "out", write(tmp_path, rows), spec=TAGS)
    assert found(tmp_path / "out") == EXPECTED | {"nothing here": []}


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ({"tokens": ["a", "b"], "tags": ["O"]}, "with unlike numbers of tokens and tags"),
        ({"tokens": ["a", ""], "tags": ["O", "O"]}, "with an empty token"),
        ({"tokens": "abc", "tags": [{"start": 1, "end": 9, "label": "PER"}]}, "with a span outside its text"),
        ({"tokens": "abc", "tags": [[0, 2, "PER"], [1, 3, "PER"]]}, "with overlapping spans"),
        ({"tokens": "abc", "tags": [{"start": "1"}]}, "with a span that isn't {start, end, label}"),
        ({"tokens": ["a", 1], "tags": ["O", "O"]}, "without a text"),
        ({"tokens": "abc", "tags": None}, "without a list of spans"),
    ],
)
def test_rows_that_a_tagger_cannot_learn_are_counted(tmp_path: Path, row: Row, reason: str) -> None:
    facts = run(tmp_path / "out", write(tmp_path, [*tagged(40), row]), spec=TAGS, columns=COLUMNS)
    assert facts["rejected"]["train"]["reasons"] == {reason: 1}


def test_types_can_be_mapped_and_left_out_of_their_texts(tmp_path: Path) -> None:
    path = write(tmp_path, tagged(40))
    facts = run(tmp_path / "out", path, spec=TAGS, columns=COLUMNS, labels={"PER": "person"}, drop_labels=("LOC",))
    assert facts["labels"] == ["person"]
    assert found(tmp_path / "out")["Ada Lovelace 7 visits Paris"] == [{"start": 0, "end": 12, "label": "person"}]


def test_class_labels_of_the_hub_are_tags(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    names = ["O", "B-PER", "I-PER", "B-LOC", "I-LOC"]
    features = Features({"tokens": datasets.List(Value("string")), "tags": datasets.List(ClassLabel(names=names))})
    rows = {"tokens": [row["tokens"] for row in tagged(40)], "tags": [[1, 2, 0, 0, 3]] * 40}
    data = DatasetDict(train=Dataset.from_dict(rows, features=features))
    monkeypatch.setattr(datasets, "load_dataset", lambda *args, **options: data)
    run(tmp_path / "out", None, spec=TAGS, columns=COLUMNS)
    assert found(tmp_path / "out") == EXPECTED


@pytest.mark.parametrize("name", ["a.conll", "a.txt", "a.tsv", "a.csv"])
def test_a_conll_file_under_another_task_names_the_task(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    path = tmp_path / name
    path.write_text(conll(tagged(40)))
    with pytest.raises(DataError, match="a token and its tag a line"):
        run(tmp_path / "out", path)
    install(monkeypatch, TAGS)
    with pytest.raises(DataError, match="Set `task: made-up-tagging`"):
        run(tmp_path / "out", path)


def test_a_conll_line_without_a_tag_is_named(tmp_path: Path) -> None:
    path = tmp_path / "a.conll"
    path.write_text(conll(tagged(3)) + "\nalone\n")
    with pytest.raises(DataError, match=r"a\.conll, line 21: 1 columns are too few"):
        run(tmp_path / "out", path, spec=TAGS)


@pytest.mark.parametrize(
    "tags",
    [
        "O B-PER I-PER B-PER O I-LOC I-LOC",  # IOB2, and LOC as IOB1 has it
        "O B-PER E-PER S-PER O B-LOC E-LOC",  # IOBES
        "O B-PER L-PER U-PER O B-LOC L-LOC",  # BILOU
    ],
)
def test_schemes_of_entity_tags_mark_the_same_spans(tags: str) -> None:
    assert join_tags(tags.split()) == [(1, 3, "PER"), (3, 4, "PER"), (5, 7, "LOC")]


def test_tags_without_types_and_types_without_prefixes_are_read() -> None:
    assert join_tags(["B", "I", "O", "B"]) == [(0, 2, "entity"), (3, 4, "entity")]
    assert join_tags(["PER", "PER", "O", "LOC"]) == [(0, 2, "PER"), (3, 4, "LOC")]


@given(spans=st.lists(st.tuples(st.integers(0, 3), st.integers(1, 4), st.sampled_from(["A", "B-x", "C"])), max_size=8))
def test_spans_survive_being_written_as_tags(spans: list[tuple[int, int, str]]) -> None:
    tags: list[str] = []
    expected = []
    for gap, length, kind in spans:
        tags += ["O"] * gap
        expected.append((len(tags), len(tags) + length, kind))
        tags += [f"B-{kind}"] + [f"I-{kind}"] * (length - 1)
    assert join_tags(tags) == expected


def test_one_text_with_its_tags_in_a_csv_is_read(tmp_path: Path) -> None:
    rows = [{"text": f"Ada  Lovelace {i}", "spans": "B-PER I-PER O"} for i in range(40)]
    run(tmp_path / "out", write(tmp_path, rows, "csv"), spec=TAGS)
    assert found(tmp_path / "out")["Ada  Lovelace 3"] == [{"start": 0, "end": 13, "label": "PER"}]


def test_labels_json_holds_types_only(tmp_path: Path) -> None:
    run(tmp_path / "out", write(tmp_path, tagged(40)), spec=TAGS, columns=COLUMNS)
    assert json.loads((tmp_path / "out" / "labels.json").read_text()) == ["LOC", "PER"]


@pytest.mark.parametrize(
    ("content", "says"), [("x" * (1 << 20) + " O\n", "longer than 1 MiB"), ("x O\n" * 100_001, "never ends")]
)
def test_a_file_that_never_breaks_a_line_or_a_sentence_is_refused(tmp_path: Path, content: str, says: str) -> None:
    path = tmp_path / "a.conll"
    path.write_text(content)
    with pytest.raises(DataError, match=says):
        run(tmp_path / "out", path, spec=TAGS)
