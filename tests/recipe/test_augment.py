from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from compressor.recipe.augment import AugmentSection, GenerateSection, SelectSection, UnlabelledSection, labels_words
from compressor.recipe.augment_checks import augment_problems
from compressor.task_specs import TASK_SPECS, task_spec


def test_only_taggers_label_words() -> None:
    assert {name for name in TASK_SPECS.names if labels_words(task_spec(name))} == {"token-classification"}


def test_kinds_that_are_left_out_are_those_that_fit() -> None:
    section = AugmentSection()
    assert [kind.kind for kind in section.kinds] == ["random-words", "delete-span", "recombine", "n-gram"]
    assert section.kinds_for(task_spec("text-classification")) == section.kinds
    assert [kind.kind for kind in section.kinds_for(task_spec("token-classification"))] == ["random-words"]


def test_models_that_augmentations_ask_are_named_with_their_pins() -> None:
    kinds = [{"kind": "typos"}, {"kind": "masked-model", "model": "some/model", "revision": "abc"}]
    models = AugmentSection.model_validate({"kinds": kinds}).models
    assert [(name, pins.revision) for name, pins in models.items()] == [("some/model", "abc")]


@pytest.mark.parametrize(
    ("section", "problem"),
    [
        ({"kinds": [{"kind": "n-gram", "shortest": 4, "longest": 3}]}, ("kinds.0.longest", "is less than shortest")),
        ({"kinds": [{"kind": "typos"}], "compose": 2}, ("compose", "only 1 kinds are listed")),
        ({"min_words": 3, "max_words": 2}, ("max_words", "is less than min_words")),
        ({"roles": ["lable"]}, ("roles.0", "has no text 'lable'")),
    ],
)
def test_what_types_do_not_say(section: dict[str, Any], problem: tuple[str, str]) -> None:
    (found,) = augment_problems(AugmentSection.model_validate(section), task_spec("text-classification"))
    assert found.path == problem[0] and problem[1] in found.message


@pytest.mark.parametrize(
    ("model", "values"),
    [
        (AugmentSection, {"kinds": [{"kind": "typos", "shere": 1}]}),
        (AugmentSection, {"kinds": []}),
        (AugmentSection, {"kinds": [{"kind": "masked-model"}]}),
        (SelectSection, {"keep": 0}),
        (SelectSection, {"keep": 1.5}),
        (UnlabelledSection, {"source": "a", "format": "doc"}),
        (GenerateSection, {"model": "a", "top_p": 0}),
    ],
)
def test_bad_values_are_refused(model: type[Any], values: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        model.model_validate(values)


def test_every_setting_is_described() -> None:
    for model in (AugmentSection, UnlabelledSection, GenerateSection, SelectSection):
        schema = model.model_json_schema()
        for name, section in {"": schema, **schema.get("$defs", {})}.items():
            bare = [key for key, field in section["properties"].items() if not field.get("description")]
            assert not bare, name
