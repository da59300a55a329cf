"""Load every variant of a bundle with optimum.onnxruntime and transformers 4, and compare with golden.json.

    python check_optimum.py BUNDLE

It needs an environment of its own (optimum-onnx caps transformers below 4.58), without `compressor` in it:

    pip install torch==2.13.0 optimum-onnx==0.1.0 onnxruntime==1.32.0

Ends with 0 and one JSON line when every variant gives the sealed outputs within the sealed tolerance.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import optimum.version
import transformers
from optimum.onnxruntime import ORTModelForSequenceClassification
from transformers import AutoTokenizer, pipeline


def main(folder: Path) -> int:
    """Compare, one text at a time, as the answers were sealed."""
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    golden = json.loads((folder / "golden.json").read_text(encoding="utf-8"))
    tokenizer = AutoTokenizer.from_pretrained(folder)
    differences, failed = {}, []
    for variant, file in manifest["variants"].items():
        subfolder, name = file.split("/")
        model = ORTModelForSequenceClassification.from_pretrained(folder, subfolder=subfolder, file_name=name)
        differences[variant] = 0.0
        for example, sealed in zip(golden["examples"], golden["outputs"][variant], strict=True):
            inputs = tokenizer(example["text"], example.get("text_pair"), truncation=True, return_tensors="np")
            difference = float(np.abs(np.ravel(model(**inputs).logits) - sealed).max())
            differences[variant] = max(differences[variant], difference)
        if not differences[variant] <= golden["tolerances"][variant]:
            failed.append(variant)
        classify = pipeline("text-classification", model=model, tokenizer=tokenizer)
        answer = classify(golden["examples"][0], truncation=True)
        answer = answer[0] if isinstance(answer, list) else answer
        best = manifest["labels"][int(np.argmax(golden["outputs"][variant][0]))]
        if answer["label"] != best:
            failed.append(f"{variant}: the pipeline answers {answer['label']}, sealed is {best}")
    found = {
        "differences": differences,
        "failed": failed,
        "tokenizer": type(tokenizer).__name__,
        "optimum": optimum.version.__version__,
        "transformers": transformers.__version__,
    }
    sys.stdout.write(json.dumps(found) + "\n")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
