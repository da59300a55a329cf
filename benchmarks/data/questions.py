"""Questions about made-up people, answered by a sentence in a short biography: `python questions.py RAW_DATA OUT`.

RAW_DATA is as for `identities.py`. A context tells some facts of two people; a question asks for one fact of one of
them, in words that differ between people. One question in six asks for a fact that the context doesn't tell. OUT gets
one JSON object a line: `question`, `context`, `answers` (a list of {start, text}; none where there is no answer), and
`person`, to split by.
"""

from __future__ import annotations

import argparse
import csv
import json
import random
from collections.abc import Iterator, Mapping
from pathlib import Path

UNANSWERED = 1 / 6

FACTS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "Occupation": (
        ("{who} works as {value}.", "By trade {who} is {value}.", "{who} has been {value} for years."),
        ("What does {who} do for a living?", "What is the job of {who}?", "As what does {who} work?"),
    ),
    "Company": (
        ("The employer of {who} is {value}.", "{who} was hired by {value}.", "At {value}, {who} is well known."),
        ("Who employs {who}?", "Which company hired {who}?", "For whom does {who} work?"),
    ),
    "City": (
        ("{who} lives in {value}.", "The home of {who} is in {value}.", "{who} moved to {value} some time ago."),
        ("Where does {who} live?", "In which town is the home of {who}?", "Where did {who} move?"),
    ),
    "Birthday": (
        (
            "{who} was born on {value}.",
            "The date of birth of {who} is {value}.",
            "On {value} {who} came to the world.",
        ),
        ("When was {who} born?", "What is the birthday of {who}?", "On which day was {who} born?"),
    ),
    "TelephoneNumber": (
        ("{who} can be called at {value}.", "The number to reach {who} is {value}.", "Call {value} to speak to {who}."),
        ("What is the phone number of {who}?", "How can one call {who}?", "Which number reaches {who}?"),
    ),
    "EmailAddress": (
        ("Letters to {who} go to {value}.", "{who} reads mail at {value}.", "The mail address of {who} is {value}."),
        ("What is the email address of {who}?", "Where does {who} read mail?", "How does one write to {who}?"),
    ),
}
"""What is known of a person -> sentences that tell it, and questions that ask for it."""

Person = Mapping[str, str]


def name(person: Person) -> str:
    """As the context and the questions call them."""
    return f"{person['GivenName']} {person['Surname']}"


def example(first: Person, second: Person, draw: random.Random) -> dict[str, object]:
    """A context about both and a question about the first."""
    asked = draw.choice(list(FACTS))
    told = {id(person): draw.sample(list(FACTS), 4) for person in (first, second)}
    answered = draw.random() >= UNANSWERED
    if answered and asked not in told[id(first)]:
        told[id(first)][0] = asked
    if not answered:
        told[id(first)] = [fact for fact in told[id(first)] if fact != asked]
    sentences = []
    for person in (first, second):
        for fact in told[id(person)]:
            sentence = draw.choice(FACTS[fact][0]).format(who=name(person), value=person[fact])
            sentences.append((person is first and fact == asked, sentence, person[fact]))
    draw.shuffle(sentences)
    context, answers = "", []
    for is_answer, sentence, value in sentences:
        if is_answer:
            answers.append({"start": len(context) + sentence.index(value), "text": value})
        context += sentence + " "
    return {
        "question": draw.choice(FACTS[asked][1]).format(who=name(first)),
        "context": context.strip(),
        "answers": answers,
        "person": name(first),
    }


def examples(people: list[Person], draw: random.Random) -> Iterator[dict[str, object]]:
    """Three questions about each person."""
    for person in people:
        for _ in range(3):
            other = draw.choice(people)
            if other is not person:
                yield example(person, other, draw)


def main() -> None:
    """Write the questions."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("raw", type=Path)
    parser.add_argument("out", type=Path)
    arguments = parser.parse_args()
    with (arguments.raw / "FakeNameGenerator.com_3000.csv").open(encoding="utf-8-sig", newline="") as file:
        people: list[Person] = [row for row in csv.DictReader(file) if all(row[fact].strip() for fact in FACTS)]
    with arguments.out.open("w", encoding="utf-8") as out:
        for found in examples(people, random.Random(13)):
            out.write(json.dumps(found, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
