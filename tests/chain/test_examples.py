from __future__ import annotations

from pathlib import Path

import pyarrow as pa

from compressor.chain.examples import every_example
from compressor.data.arrow import write_arrow


def test_every_example_is_read_with_the_texts_alone(tmp_path: Path) -> None:
    table = pa.table({"text": ["a", "b", "c"], "text_pair": ["d", "e", "f"], "label": [0, 1, 0]})
    write_arrow(tmp_path / "train.arrow", table.schema, table.to_batches(max_chunksize=2))
    found = list(every_example(tmp_path / "train.arrow", "text-classification"))
    assert found == [{"text": a, "text_pair": b} for a, b in zip("abc", "def", strict=True)]
