"""Reviews beside the plot of the same film: `python film_pairs.py CORPUS FOLDER`.

CORPUS is as for `film_entities.py`. FOLDER gets `train.jsonl`, `validation.jsonl` and `test.jsonl`, one JSON object a
line: `review`, `plot`. A film is in one of them only. To validate and to test there is one review a film, the longest,
so that each plot is the right answer once. To train there are the reviews of all other films; those of films whose plot
isn't known stand beside other plots, since a student learns its teacher's vector of each text alone.

With `--reviews`, a pair is two reviews of one film, in the columns `review` and `other`: one pair a film to validate
and to test; to train, as many as a film has without using a review twice.
"""

from __future__ import annotations

import argparse
import bz2
import csv
import itertools
import json
import random
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

SHARES = {"test": 0.5, "validation": 0.2}
"""Of the films with a plot and a review. The others are for training."""
SHARES_OF_REVIEWS = {"test": 0.5, "validation": 0.1}
"""Of the films with two reviews."""

Reviews = Mapping[str, Sequence[str]]
Pairs = list[tuple[str, str]]


def main() -> None:
    """Write the pairs."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("corpus", type=Path)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--reviews", action="store_true", help="pairs of two reviews of one film")
    arguments = parser.parse_args()
    reviews, plots = read(arguments.corpus)
    splits = review_pairs(reviews) if arguments.reviews else plot_pairs(reviews, plots)
    arguments.folder.mkdir(parents=True, exist_ok=True)
    second = "other" if arguments.reviews else "plot"
    for split, pairs in splits.items():
        lines = (json.dumps({"review": one, second: other}, ensure_ascii=False) for one, other in pairs)
        (arguments.folder / f"{split}.jsonl").write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")


def read(corpus: Path) -> tuple[Reviews, Mapping[str, str]]:
    """The reviews and the plot of each film."""
    reviews: dict[str, list[str]] = defaultdict(list)
    plots: dict[str, str] = {}
    with bz2.open(corpus, "rt", encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            text = " ".join(row["text"].split())
            if row["category"] == "plot":
                plots.setdefault(row["movie_name"], text)
            else:
                reviews[row["movie_name"]].append(text)
    return reviews, plots


def held_out(films: Iterable[str], shares: Mapping[str, float]) -> dict[str, list[str]]:
    """Films to validate and to test with, drawn with a seed."""
    drawn = sorted(films)
    random.Random(13).shuffle(drawn)
    test = round(shares["test"] * len(drawn))
    validation = test + round(shares["validation"] * len(drawn))
    return {"test": drawn[:test], "validation": drawn[test:validation]}


def plot_pairs(reviews: Reviews, plots: Mapping[str, str]) -> dict[str, Pairs]:
    """A review and the plot of its film."""
    kept = held_out((film for film in plots if film and reviews.get(film)), SHARES)
    pairs = {split: [(max(reviews[film], key=len), plots[film]) for film in films] for split, films in kept.items()}
    away = {film for films in kept.values() for film in films}
    spare = itertools.cycle(plot for film, plot in sorted(plots.items()) if film not in away)
    others = sorted(reviews.keys() - away)
    return {**pairs, "train": [(review, plots.get(film) or next(spare)) for film in others for review in reviews[film]]}


def review_pairs(reviews: Reviews) -> dict[str, Pairs]:
    """Two reviews of one film; the two longest to validate and to test."""
    several = {film: sorted(set(texts), key=len, reverse=True) for film, texts in reviews.items() if film}
    several = {film: texts for film, texts in several.items() if len(texts) > 1}
    kept = held_out(several, SHARES_OF_REVIEWS)
    pairs = {split: [(several[film][0], several[film][1]) for film in films] for split, films in kept.items()}
    away = {film for films in kept.values() for film in films}
    train = (several[film] for film in sorted(several.keys() - away))
    return {**pairs, "train": [pair for texts in train for pair in zip(texts[::2], texts[1::2], strict=False)]}


if __name__ == "__main__":
    main()
