"""Reviews beside the plot of the same film: `python film_pairs.py CORPUS FOLDER`.

CORPUS is as for `film_entities.py`. FOLDER gets `train.jsonl`, `validation.jsonl` and `test.jsonl`, one JSON object a
line: `review`, `plot`. A film is in one of them only. To validate and to test there is one review a film, the longest,
so that each plot is the right answer once. To train there are the reviews of all other films; those of films whose plot
isn't known stand beside other plots, since a student learns its teacher's vector of each text alone.
"""

from __future__ import annotations

import argparse
import bz2
import csv
import itertools
import json
import random
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

SHARES = {"test": 0.5, "validation": 0.2}


def write(file: Path, pairs: Iterable[tuple[str, str]]) -> None:
    """One pair a line."""
    lines = (json.dumps({"review": review, "plot": plot}, ensure_ascii=False) for review, plot in pairs)
    file.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")


def main() -> None:
    """Write the pairs."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("corpus", type=Path)
    parser.add_argument("folder", type=Path)
    arguments = parser.parse_args()
    reviews: dict[str, list[str]] = defaultdict(list)
    plots: dict[str, str] = {}
    with bz2.open(arguments.corpus, "rt", encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            text = " ".join(row["text"].split())
            if row["category"] == "plot":
                plots.setdefault(row["movie_name"], text)
            else:
                reviews[row["movie_name"]].append(text)
    films = sorted(film for film in plots if film and reviews.get(film))
    random.Random(13).shuffle(films)
    test = round(SHARES["test"] * len(films))
    validation = test + round(SHARES["validation"] * len(films))
    held_out = {"test": films[:test], "validation": films[test:validation]}
    arguments.folder.mkdir(parents=True, exist_ok=True)
    for split, chosen in held_out.items():
        write(arguments.folder / f"{split}.jsonl", [(max(reviews[film], key=len), plots[film]) for film in chosen])
    others = sorted(reviews.keys() - set(films[:validation]))
    known = [plot for film, plot in sorted(plots.items()) if film not in set(films[:validation])]
    spare = itertools.cycle(known)
    pairs = [(review, plots.get(film) or next(spare)) for film in others for review in reviews[film]]
    write(arguments.folder / "train.jsonl", pairs)


if __name__ == "__main__":
    main()
