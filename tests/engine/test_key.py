from __future__ import annotations

from typing import Any

from compressor.engine.key import Key, differences, versions

DOCUMENT = {
    "kind": "distill",
    "version": 1,
    "config": {"epochs": 3, "layers": [0, 1]},
    "sources": {"init": {"path-sha256": "a" * 64}},
    "inputs": {"data": "b" * 64},
    "libraries": {"torch": "2.13.0"},
    "host": {},
}


def test_the_same_document_has_the_same_digest_in_any_order() -> None:
    assert Key(DOCUMENT).digest == Key(dict(reversed(DOCUMENT.items()))).digest
    assert len(Key(DOCUMENT).digest) == 64


def test_every_part_of_the_document_counts() -> None:
    changed: list[dict[str, Any]] = [
        {"kind": "teach"},
        {"version": 2},
        {"config": {"epochs": 4, "layers": [0, 1]}},
        {"config": {"epochs": 3, "layers": [1, 0]}},
        {"sources": {"init": {"path-sha256": "c" * 64}}},
        {"inputs": {"data": "c" * 64}},
        {"libraries": {"torch": "2.14.0"}},
        {"host": {"cpu": "another"}},
    ]
    digests = {Key(DOCUMENT | change).digest for change in changed}
    assert len(digests) == len(changed)
    assert Key(DOCUMENT).digest not in digests


def test_the_short_form_begins_the_digest_and_names_the_kind() -> None:
    key = Key(DOCUMENT)
    assert key.digest.startswith(key.short)
    assert key.kind == "distill"


def test_differences_are_told_by_dotted_path() -> None:
    after = DOCUMENT | {
        "config": {"epochs": 4, "layers": [0, 2], "precision": "bf16"},
        "libraries": {},
    }
    assert list(differences(DOCUMENT, after)) == [
        ("config.epochs", 3, 4),
        ("config.layers.1", 1, 2),
        ("config.precision", None, "bf16"),
        ("libraries.torch", "2.13.0", None),
    ]
    assert list(differences(DOCUMENT, DOCUMENT)) == []


def test_lists_of_unlike_length_differ_as_a_whole() -> None:
    assert list(differences({"a": [1]}, {"a": [1, 2]})) == [("a", [1], [1, 2])]


def test_a_library_that_is_not_installed_is_told_apart_from_any_version() -> None:
    found = versions(("numpy", "no-such-distribution"))
    assert found["no-such-distribution"] == "absent"
    assert found["numpy"][0].isdigit()
