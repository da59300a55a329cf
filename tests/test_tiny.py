"""The fixtures themselves load."""

from pathlib import Path

from transformers import AutoModel, AutoTokenizer


def test_tiny_models_load(encoder_folder: Path, decoder_folder: Path, classifier_folder: Path) -> None:
    for folder in (encoder_folder, decoder_folder, classifier_folder):
        model = AutoModel.from_pretrained(folder)
        tokens = AutoTokenizer.from_pretrained(folder)("a gripping film", return_tensors="pt")
        assert model(**{k: v for k, v in tokens.items() if k != "token_type_ids"}).last_hidden_state.shape[-1] == 32
