"""Files and streams answered by a bundle: order and number of rows are kept."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest

from compressor import runtime
from compressor.errors import DataError
from compressor.events import Silent
from compressor.predict.command import columns_of, predict_rows
from tests import tiny
from tests.runtime import bundles

TEXTS = [text for text, _ in tiny.reviews(9)] + ["", 'a, "quoted" film']


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return bundles.write(tmp_path_factory.mktemp("predict"))


@pytest.fixture(scope="module")
def pairs_bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return bundles.write(tmp_path_factory.mktemp("predict-pairs"), pairs=True)


def predict(folder: Path, source: Path, target: Path, *named: str, **changes: Any) -> int:
    variant = changes.pop("variant", None)
    loaded = runtime.load(folder, variant=variant)
    settings = {"as_json": True, "batch_size": 1, "variant": variant, "events": Silent()} | changes
    return predict_rows(loaded, str(source), columns=columns_of(loaded, named), target=str(target), **settings)


def written(folder: Path, kind: str, texts: list[str], column: str = "text") -> Path:
    file = folder / f"texts.{kind}"
    if kind == "jsonl":
        file.write_text("".join(json.dumps({column: text, "n": 1}) + "\n" for text in texts), encoding="utf-8")
    elif kind == "txt":
        file.write_text("".join(text + "\n" for text in texts), encoding="utf-8")
    elif kind == "parquet":
        pa = pytest.importorskip("pyarrow")
        from pyarrow import parquet

        parquet.write_table(pa.table({"n": [1] * len(texts), column: texts}), file)
    else:
        with file.open("w", encoding="utf-8", newline="") as opened:
            writer = csv.writer(opened, delimiter="\t" if kind == "tsv" else ",")
            writer.writerows([("n", column), *((1, text) for text in texts)])
    return file


def lines(file: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]


@pytest.mark.parametrize("kind", ["csv", "tsv", "jsonl", "txt", "parquet"])
def test_every_kind_of_file_gives_a_row_for_each_row_in_order(bundle: Path, tmp_path: Path, kind: str) -> None:
    out = tmp_path / "answers.jsonl"
    assert predict(bundle, written(tmp_path, kind, TEXTS), out) == len(TEXTS)
    expected = [{"text": text, **answer.to_dict()} for text, answer in zip(TEXTS, answers(bundle), strict=True)]
    assert lines(out) == expected


def answers(bundle: Path, variant: str | None = None) -> list[runtime.Answer]:
    return runtime.load(bundle, variant=variant).predict(TEXTS)


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_tables_hold_the_fields_of_answers(bundle: Path, tmp_path: Path, kind: str) -> None:
    out = tmp_path / f"answers.{kind}"
    predict(bundle, written(tmp_path, "jsonl", TEXTS), out)
    if kind == "csv":
        rows = list(csv.DictReader(io.StringIO(out.read_text(encoding="utf-8"))))
    else:
        rows = pytest.importorskip("pyarrow.parquet").read_table(out).to_pylist()
    for row, text, answer in zip(rows, TEXTS, answers(bundle), strict=True):
        told = answer.to_dict()
        assert (row["text"], row["label"]) == (text, told["label"])
        assert json.loads(row["scores"]) == pytest.approx(told["scores"])


@pytest.mark.parametrize("kind", ["csv", "jsonl", "parquet"])
def test_a_bundle_with_a_threshold_says_of_every_row_whether_it_is_unsure(
    bundle: Path, tmp_path: Path, kind: str, capsys: pytest.CaptureFixture[str]
) -> None:
    scores = sorted(answer.to_dict()["score"] for answer in answers(bundle))
    copied = bundles.unsure_below(bundle, tmp_path, scores[4])
    out = tmp_path / f"answers.{kind}"
    predict(copied, written(tmp_path, "txt", TEXTS), out)
    if kind == "jsonl":
        rows = lines(out)
    elif kind == "csv":
        rows = list(csv.DictReader(io.StringIO(out.read_text(encoding="utf-8"))))
    else:
        rows = pytest.importorskip("pyarrow.parquet").read_table(out).to_pylist()
    assert [str(row["unsure"]) == "True" for row in rows] == [float(row["score"]) < scores[4] for row in rows]
    predict(copied, written(tmp_path, "txt", TEXTS), Path("-"), as_json=False)
    assert capsys.readouterr().out.count(" (unsure)\t") == sum(score < scores[4] for score in scores)


@pytest.mark.parametrize("variant", ["fp32", "int8"])
def test_batches_keep_the_order_of_rows(bundle: Path, tmp_path: Path, variant: str) -> None:
    """Sorted by length where that can't change an answer."""
    out = tmp_path / "answers.jsonl"
    predict(bundle, written(tmp_path, "jsonl", TEXTS), out, batch_size=4, variant=variant)
    assert [line["text"] for line in lines(out)] == TEXTS
    for line, answer in zip(lines(out), answers(bundle, variant), strict=True):
        assert line["scores"] == pytest.approx(answer.to_dict()["scores"], abs=1e-5)


def test_columns_are_named_by_role_or_alone(bundle: Path, pairs_bundle: Path, tmp_path: Path) -> None:
    file, out = written(tmp_path, "csv", TEXTS[:3], column="review"), tmp_path / "answers.jsonl"
    assert predict(bundle, file, out, "review") == predict(bundle, file, out, "text=review") == 3
    with pytest.raises(DataError, match="no column 'text'; its columns are: n, review"):
        predict(bundle, file, out)
    with pytest.raises(DataError, match="reads no 'txt'"):
        predict(bundle, file, out, "txt=review")
    pairs = tmp_path / "pairs.jsonl"
    pairs.write_text(json.dumps({"a": "good", "b": "dull"}) + "\n", encoding="utf-8")
    assert predict(pairs_bundle, pairs, out, "text=a", "text_pair=b") == 1
    assert lines(out)[0]["text_pair"] == "dull"
    with pytest.raises(DataError, match="one text a line"):
        predict(pairs_bundle, written(tmp_path, "txt", TEXTS), out)


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("a.jsonl", '{"text": "good"}\n{"text": 7}\n', "row 2: 'text' holds no text"),
        ("a.jsonl", '{"text": "good"}\n{oops\n', "line 2: not valid JSON"),
        ("a.jsonl", "[1]\n", "line 1: no JSON object"),
        ("a.csv", "text,n\ngood,1\n,2\nshort\n", ""),
        ("a.xlsx", "", "of no kind that can be read"),
    ],
)
def test_a_row_that_cannot_be_answered_is_named(
    bundle: Path, tmp_path: Path, name: str, content: str, words: str
) -> None:
    file = tmp_path / name
    file.write_text(content, encoding="utf-8")
    if not words:
        assert predict(bundle, file, tmp_path / "out.jsonl") == 3
        return
    with pytest.raises(DataError, match=words):
        predict(bundle, file, tmp_path / "out.jsonl")


def test_a_file_that_is_not_there_or_no_utf_8_is_told(bundle: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="can't be read"):
        predict(bundle, tmp_path / "nowhere.csv", tmp_path / "out.jsonl")
    (tmp_path / "latin.txt").write_bytes("caf\xe9\n".encode("latin-1"))
    with pytest.raises(DataError, match="not UTF-8"):
        predict(bundle, tmp_path / "latin.txt", tmp_path / "out.jsonl")


@pytest.mark.parametrize("content", [b"PAR1", b"PAR1" + bytes(100) + b"PAR1", b"nothing"])
def test_what_is_no_parquet_is_told_on_a_line_with_a_hint(bundle: Path, tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.parquet").write_bytes(content)
    with pytest.raises(DataError, match=r"a\.parquet can't be read") as caught:
        predict(bundle, tmp_path / "a.parquet", tmp_path / "out.jsonl")
    assert "\n" not in caught.value.message
    assert caught.value.hint
