from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest
import torch
import transformers
from transformers import AutoModelForSequenceClassification

from compressor.distill.builders.layers import KeepLayers, keep_layers
from compressor.errors import RecipeError, StageError

COMMON = {
    "initializer_range": 0.4,
    "vocab_size": 50,
    "hidden_size": 16,
    "num_hidden_layers": 4,
    "num_attention_heads": 2,
    "intermediate_size": 32,
    "max_position_embeddings": 40,
    "pad_token_id": 0,
}
SPECIAL = {"bos_token_id": 1, "eos_token_id": 2}
CONFIGS: dict[str, dict[str, Any]] = {
    "Bert": COMMON,
    "Roberta": COMMON,
    "MPNet": COMMON,
    "Electra": {**COMMON, "embedding_size": 8},
    "DebertaV2": {**COMMON, "relative_attention": True, "position_buckets": 8, "pos_att_type": ["c2p", "p2c"]},
    "ModernBert": {**COMMON, **SPECIAL, "cls_token_id": 1, "sep_token_id": 2, "global_attn_every_n_layers": 2},
    "DistilBert": {
        "initializer_range": 0.4,
        "vocab_size": 50,
        "dim": 16,
        "n_layers": 4,
        "n_heads": 2,
        "hidden_dim": 32,
        "max_position_embeddings": 40,
        "pad_token_id": 0,
    },
    "GPT2": {
        **SPECIAL,
        "initializer_range": 0.4,
        "vocab_size": 50,
        "n_embd": 16,
        "n_layer": 4,
        "n_head": 2,
        "n_positions": 40,
        "pad_token_id": 0,
    },
    "Llama": {**COMMON, **SPECIAL, "num_key_value_heads": 2},
    "Qwen2": {
        **COMMON,
        **SPECIAL,
        "num_key_value_heads": 2,
        "use_sliding_window": True,
        "sliding_window": 4,
        "max_window_layers": 2,
    },
}
INPUTS = {"input_ids": torch.tensor([[5, 6, 7, 8, 9, 10, 11, 12], [13, 14, 15, 16, 0, 0, 0, 0]])}
INPUTS["attention_mask"] = (INPUTS["input_ids"] != 0).long()


def make_model(architecture: str, labels: int = 3) -> Any:
    torch.manual_seed(0)
    config = getattr(transformers, f"{architecture}Config")(**CONFIGS[architecture], num_labels=labels)
    config.use_cache = False
    return AutoModelForSequenceClassification.from_config(config).eval()


def layers_of(model: Any, depth: int) -> tuple[Any, str]:
    """The module that holds the layers, and the attribute they are under."""
    for _, module in model.named_modules():
        for name, child in module.named_children():
            if isinstance(child, torch.nn.ModuleList) and len(child) == depth:
                return module, name
    raise AssertionError("no layers")


def logits(model: Any) -> torch.Tensor:
    with torch.no_grad():
        logits: torch.Tensor = model(**INPUTS).logits
        return logits


@pytest.mark.parametrize("architecture", CONFIGS)
def test_a_subset_runs_exactly_the_chosen_layers_also_after_saving(architecture: str, tmp_path: Path) -> None:
    model = make_model(architecture)
    chosen = [0, 3]
    cut = copy.deepcopy(model)
    holder, name = layers_of(cut, 4)
    setattr(holder, name, torch.nn.ModuleList([getattr(holder, name)[layer] for layer in chosen]))
    cut.config.num_hidden_layers = 2
    if getattr(cut.config, "layer_types", None):
        cut.config.layer_types = [model.config.layer_types[layer] for layer in chosen]

    student = keep_layers(model, chosen)

    assert layers_of(student, 2)
    assert torch.allclose(logits(student), logits(cut), atol=1e-6)
    assert not torch.allclose(logits(student), logits(model), atol=1e-3)
    student.save_pretrained(tmp_path)
    reloaded = AutoModelForSequenceClassification.from_pretrained(tmp_path)
    assert torch.allclose(logits(reloaded.eval()), logits(student), atol=1e-6)


def test_bert_layers_run_by_hand_give_the_students_hidden_states() -> None:
    model = make_model("Bert")
    student = keep_layers(model, [1, 3])
    with torch.no_grad():
        ours = student(**INPUTS, output_hidden_states=True).hidden_states
        state = model.bert.embeddings(INPUTS["input_ids"])
        mask = (1.0 - INPUTS["attention_mask"][:, None, None, :].float()) * torch.finfo(torch.float32).min
        for index, layer in enumerate([1, 3]):
            state = model.bert.encoder.layer[layer](state, mask)
            state = state[0] if isinstance(state, tuple) else state
            assert torch.allclose(ours[index + 1], state, atol=1e-5)


def test_shared_layers_are_counted_only() -> None:
    torch.manual_seed(0)
    config = transformers.AlbertConfig(**{**COMMON, "embedding_size": 8})
    model = AutoModelForSequenceClassification.from_config(config).eval()
    student = keep_layers(model, [0, 1])
    assert student.config.num_hidden_layers == 2
    model.config.num_hidden_layers = 2
    assert torch.allclose(logits(student), logits(model), atol=1e-6)


@pytest.mark.parametrize("architecture", ["ModernBert", "Qwen2"])
def test_settings_that_go_by_layer_follow_the_layers(architecture: str) -> None:
    model = make_model(architecture)
    assert len(set(model.config.layer_types)) == 2
    student = keep_layers(model, [0, 3])
    assert student.config.layer_types == [model.config.layer_types[0], model.config.layer_types[3]]


def test_a_layer_that_is_not_there_is_refused_with_the_number_there_are() -> None:
    with pytest.raises(RecipeError, match=r"names 4, 9; the model has 4 layers, 0 to 3"):
        keep_layers(make_model("Bert"), [0, 4, 9])


def test_a_first_layer_that_is_made_differently_is_refused() -> None:
    with pytest.raises(StageError, match="keep layer 0 first"):
        keep_layers(make_model("ModernBert"), [1, 2])


@pytest.mark.parametrize(
    ("keep", "message"), [((0, -1), "not from the end"), ((2, 1, 2), "layer 2 is named twice"), ((1, 0), None)]
)
def test_what_no_model_could_have_is_told_from_the_recipe_alone(keep: tuple[int, ...], message: str | None) -> None:
    problems = list(KeepLayers(kind="layers", keep=keep).problems())
    assert [problem.path for problem in problems] == (["keep"] if message else [])
    assert all(message and message in problem.message for problem in problems)
