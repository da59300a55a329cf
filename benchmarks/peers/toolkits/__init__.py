"""Toolkits that are compared, one a file. A file is found by being here.

It is read twice: by the runner, which takes `TITLE`, `REQUIREMENTS` and `VARIANTS`, and in the toolkit's environment by
`worker.py`, which calls the functions. So it imports libraries inside its functions, and nothing of this project (but
for `ours.py`).

    TITLE = "..."                            how tables call it
    REQUIREMENTS = ("package==1.2.3", ...)   its environment; none: the one of this project
    VARIANTS = {"fp32": "how it is made"}    what it makes of a checkpoint; names of integer variants begin with int8
    READS = "texts"                          where it can't be given token ids (left out otherwise)

    def convert(variant, given, out): ...    writes into the folder `out`, and returns the files that a client needs
    def open_model(variant, folder): ...     a function from inputs to logits [batch, labels]; left out: `model.onnx` in
                                             onnxruntime with default options
    def chosen(folder): ...                  what `convert` chose by measuring, in a word; left out: nothing

`given` has `checkpoint` (a folder), `sample` (a batch to trace with), `calibration` (training texts as inputs, each
alone) and `calibration_texts` (the same as they are), `texts` and `labels` (the whole training file; labels are
numbers), `inputs` (kind of input that is timed -> its npz file), `max_length` and `cpu_flags`. Without --train there
are no texts, without its labels no labels. Inputs are numpy int64: `input_ids`, `attention_mask`, `token_type_ids`; of
one that reads texts, a list of strings. What can't be done raises SystemExit with the reason.
"""
