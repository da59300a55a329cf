"""Sentences to try a model on where the recipe brings no texts of its own."""

from __future__ import annotations

__all__ = ["SAMPLES"]

SAMPLES: tuple[str, ...] = (
    "A gripping, funny film.",
    "Dull.",
    "The delivery came two days late and the box was torn, but nothing inside was broken.",
    "How do I change the address on my account?",
    "It was 23 °C in Zürich yesterday; tomorrow's forecast says rain, then snow above 1,200 metres.",
    "Shares fell 3.5% after the company cut its outlook for the second time this year.",
    "I have read the manual twice and I still can't tell which of the three buttons starts the thing, which one "
    "stops it, and what the blinking light is meant to say about either.",
    "Not bad at all!",
)
