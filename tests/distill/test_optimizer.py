from __future__ import annotations

import pytest
import torch

from compressor.distill.optimizer import depth_of, layer_groups


@pytest.mark.parametrize(
    ("name", "depth"),
    [
        ("student.bert.embeddings.word_embeddings.weight", -1),
        ("student.transformer.wte.weight", -1),
        ("student.model.embed_tokens.weight", -1),
        ("student.bert.encoder.layer.0.attention.self.query.weight", 0),
        ("student.transformer.h.11.mlp.c_fc.weight", 11),
        ("student.bert.pooler.dense.weight", None),
        ("student.classifier.weight", None),
        ("objectives.0.learned.1.weight", None),
    ],
)
def test_a_parameter_belongs_to_the_layer_its_name_says(name: str, depth: int | None) -> None:
    assert depth_of(name) == depth


def test_each_layer_learns_slower_than_the_one_above_it_and_the_head_at_the_full_rate() -> None:
    names = ["embeddings.w.weight", "layer.0.weight", "layer.0.bias", "layer.1.weight", "classifier.weight"]
    parameters = {f"student.{name}": torch.nn.Parameter(torch.ones(1)) for name in names}
    groups = layer_groups(
        [(name, one, not name.endswith("bias")) for name, one in parameters.items()],
        learning_rate=1.0,
        layer_decay=0.5,
        weight_decay=0.1,
    )
    rates = {id(one): group for group in groups for one in group["params"]}
    found = {name: rates[id(one)] for name, one in parameters.items()}
    assert [found[f"student.{name}"]["lr"] for name in names] == [0.125, 0.25, 0.25, 0.5, 1.0]
    assert [found[f"student.{name}"]["weight_decay"] for name in names] == [0.1, 0.1, 0.0, 0.1, 0.1]
