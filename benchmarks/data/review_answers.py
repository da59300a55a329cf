"""What a service would answer about film reviews: `python review_answers.py BUNDLE CORPUS OUT`.

BUNDLE is a text classification bundle with the labels `rotten` and `fresh`, and stands for the service. CORPUS is as
for `film_entities.py`. OUT gets one row a review: `text`, and the probabilities `p_rotten` and `p_fresh`, to three
digits.
"""

from __future__ import annotations

import argparse
import bz2
import csv
from pathlib import Path

from compressor.runtime import load
from compressor.runtime.tasks.text_classification import Prediction


def main() -> None:
    """Write the answers."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("bundle", type=Path)
    parser.add_argument("corpus", type=Path)
    parser.add_argument("out", type=Path)
    arguments = parser.parse_args()
    with bz2.open(arguments.corpus, "rt", encoding="utf-8", newline="") as file:
        texts = [row["text"] for row in csv.DictReader(file) if row["category"] != "plot"]
    with arguments.out.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["text", "p_rotten", "p_fresh"])
        for text, answer in zip(texts, load(arguments.bundle).predict(texts, batch_size=1), strict=True):
            if not isinstance(answer, Prediction):
                parser.error(f"{arguments.bundle} is no text classification bundle.")
            rotten = round(answer.scores["rotten"], 3)
            writer.writerow([text, rotten, round(1 - rotten, 3)])


if __name__ == "__main__":
    main()
