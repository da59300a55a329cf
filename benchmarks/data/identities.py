"""Sentences with made-up identities in them: `python identities.py RAW_DATA OUT`.

RAW_DATA is the folder `presidio_evaluator/data_generator/raw_data` of the wheel `presidio-evaluator==0.3.2`. Every
template is filled several times with the identities that lie beside it. OUT gets one JSON object a line: `text`,
`spans` with `start`, `end` and `label`, and `template`, to split by: a template must not stand in train and test.
"""

from __future__ import annotations

import argparse
import csv
import json
import random
import re
from collections.abc import Callable, Mapping
from pathlib import Path

TIMES = 40
"""How often a template is filled."""

Row = Mapping[str, str]
Fill = Callable[[Row, random.Random], str]

SLOTS: dict[str, tuple[str | None, Fill]] = {
    **{
        name: ("PERSON", lambda row, _: f"{row['GivenName']} {row['Surname']}")
        for name in ("person", "name", "name_male", "name_female")
    },
    **{
        name: ("PERSON", lambda row, _: row["GivenName"])
        for name in ("first_name", "first_name_male", "first_name_female", "first_name_nonbinary")
    },
    **{name: ("PERSON", lambda row, _: row["Surname"]) for name in ("last_name", "last_name_male", "last_name_female")},
    "organization": ("ORGANIZATION", lambda row, _: row["Company"]),
    "city": ("LOCATION", lambda row, _: row["City"]),
    "country": ("LOCATION", lambda row, _: row["CountryFull"]),
    "street_name": ("LOCATION", lambda row, _: re.sub(r"^\d+\s*|\s*\d+$", "", row["StreetAddress"])),
    "address": ("LOCATION", lambda row, _: f"{row['StreetAddress']}, {row['City']} {row['ZipCode']}"),
    "phone_number": ("PHONE", lambda row, _: row["TelephoneNumber"]),
    "email": ("EMAIL", lambda row, _: row["EmailAddress"]),
    "url": ("URL", lambda row, _: f"www.{row['Domain']}"),
    "date_of_birth": ("DATE", lambda row, _: row["Birthday"]),
    "date_time": ("DATE", lambda row, _: row["Birthday"]),
    "credit_card_number": ("CARD", lambda _, draw: " ".join(str(draw.randint(1000, 9999)) for _ in range(4))),
    "age": (None, lambda row, _: row["Age"]),
    "job": (None, lambda row, _: row["Occupation"]),
    "building_number": (None, lambda _, draw: str(draw.randint(1, 400))),
    "postcode": (None, lambda row, _: row["ZipCode"]),
    "zipcode": (None, lambda row, _: row["ZipCode"]),
    "year": (None, lambda _, draw: str(draw.randint(1950, 2025))),
    "day_of_week": (None, lambda _, draw: draw.choice(("Monday", "Tuesday", "Friday", "Sunday"))),
    "prefix": (None, lambda row, _: row["Title"]),
    "prefix_male": (None, lambda *_: "Mr."),
    "prefix_female": (None, lambda *_: "Mrs."),
}
"""Slot of a template -> the label of what fills it (None: it is no entity), and how it is filled."""


def fill(template: str, people: list[Row], draw: random.Random) -> dict[str, object] | None:
    """The template with one identity after the other in it; None where it has a slot that is not known here."""
    text, spans = "", []
    for place, part in enumerate(re.split(r"\{\{(\w+)\}\}", template)):
        if place % 2 == 0:
            text += part
            continue
        if part not in SLOTS:
            return None
        label, value = SLOTS[part][0], SLOTS[part][1](draw.choice(people), draw)
        if label:
            spans.append({"start": len(text), "end": len(text) + len(value), "label": label})
        text += value
    return {"text": text, "spans": spans}


def main() -> None:
    """Write the filled templates."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("raw", type=Path)
    parser.add_argument("out", type=Path)
    arguments = parser.parse_args()
    draw = random.Random(13)
    with (arguments.raw / "FakeNameGenerator.com_3000.csv").open(encoding="utf-8-sig", newline="") as file:
        people: list[Row] = [row for row in csv.DictReader(file) if row["GivenName"].isascii()]
    templates = (arguments.raw / "templates.txt").read_text(encoding="utf-8").splitlines()
    with arguments.out.open("w", encoding="utf-8") as out:
        for number, template in enumerate(templates):
            line = template.replace("\\n", " ").strip()
            for _ in range(TIMES):
                if line and (found := fill(line, people, draw)):
                    out.write(json.dumps({**found, "template": number}, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
