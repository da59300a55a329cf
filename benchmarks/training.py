"""How fast students are trained: texts a second of ours beside the loop that everybody writes, and what each part adds.

    python -m benchmarks.training --teacher /path/to/all-mpnet-base-v2 --json training.json
    python -m benchmarks.training --teacher PATH --profile                where the time of a step goes
    python -m benchmarks.training --tiny                                  small random models, in a minute or two
    python -m benchmarks.training --list                                  the loops, for --loops

Data, student and settings are those of a recipe (--recipe, --set). The teacher isn't fine-tuned: a head with random
weights takes as long. Each loop runs one epoch in a fresh process, all in turn, `--rounds` times; ratios are of one
round, and the median over rounds is told.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import Any

import yaml

from compressor.bench.environment import environment

from .run_stage import run_stages
from .synthetic import write_model, write_texts
from .training_loops import LOOPS

EPOCHS = (1, 5, 20)
"""Over how many epochs the labelling is spread."""
GOAL = 5.0
Round = Mapping[str, Mapping[str, Any]]
"""Loop -> what its process printed."""


def tiny_recipe(folder: Path) -> Path:
    """A recipe of made-up texts and random models."""
    for name, layers, hidden in (("tiny-teacher", 4, 64), ("tiny-student", 1, 32)):
        write_model(folder / name, layers=layers, hidden=hidden, labels=False)
    recipe = {
        "name": "tiny",
        "data": {"source": str(write_texts(folder / "tiny.csv.gz", 2_000)), "max_length": 96},
        "teacher": {"model": str(folder / "tiny-teacher"), "finetune": {}},
        "student": {"init": str(folder / "tiny-student")},
        "distill": {"epochs": 1, "batch_size": 32},
    }
    file = folder / "tiny.yaml"
    file.write_text(yaml.safe_dump(recipe), encoding="utf-8")
    return file


def set_up(folder: Path, recipe_file: str, overrides: Sequence[str], texts: int) -> dict[str, Any]:
    """Write what the loops read: texts, both models, the teacher's outputs. Returns how large all of it is."""
    from transformers import set_seed

    from compressor.chain.training import max_length_of
    from compressor.data import load_output_names, load_split
    from compressor.distill.label import compute_outputs
    from compressor.distill.training import save_model
    from compressor.engine.store import Store
    from compressor.events import Silent
    from compressor.recipe import dump_recipe, load_recipe
    from compressor.tasks import get_task, load_tokenizer

    recipe = load_recipe(recipe_file, [*overrides, f"data.limit={round(texts / 0.8)}", "distill.track=[]"])
    if recipe.distill is None or recipe.teacher is None or recipe.task != "text-classification":
        raise SystemExit("The plain loop classifies texts: name a recipe that distils a text classifier.")
    made = run_stages(recipe, ["prepare", "student"], Store(folder / "store"))
    shutil.copytree(made["prepare"].folder, folder / "data")
    shutil.copytree(made["student"].folder / "model", folder / "student")
    (folder / "recipe.yaml").write_text(dump_recipe(recipe), encoding="utf-8")

    task, max_length = get_task(recipe.task), max_length_of(recipe)
    names = load_output_names(folder / "data", task)
    source = _teacher_folder(recipe)
    set_seed(recipe.seed)
    teacher = task.load_model(source, names)
    save_model(teacher, load_tokenizer(source), folder / "teacher", task.options(teacher))
    compute_outputs(
        task=task,
        model_folder=folder / "teacher",
        data=folder / "data",
        max_length=max_length,
        out=folder / "outputs",
        events=Silent(),
    )
    train = load_split(folder / "data", "train")
    (folder / "texts").mkdir()
    shutil.copy(folder / "data" / "train.arrow", folder / "texts" / "texts.arrow")
    rows = [{"text": row["text"], "label": row["label"]} for row in train]
    (folder / "texts.json").write_text(json.dumps(rows), encoding="utf-8")
    section = recipe.distill.parts[-1]
    setup = {
        "max_length": max_length,
        "batch_size": section.batch_size if isinstance(section.batch_size, int) else 32,
        "seed": recipe.seed,
        "texts": len(rows),
        "recipe": recipe.name,
        "teacher_parameters": teacher.num_parameters(),
    }
    (folder / "setup.json").write_text(json.dumps(setup), encoding="utf-8")
    return setup | {"padding": _padding(folder, setup)}


def _teacher_folder(recipe: Any) -> Path:
    from compressor.chain.plan import make_plan
    from compressor.events import Silent

    return next(stage for stage in make_plan(recipe).stages if stage.name == "teach").fetch(Silent())["model"]


def _padding(folder: Path, setup: Mapping[str, Any]) -> dict[str, float]:
    """Share of the tokens of an epoch that are padding, in both orders."""
    from compressor.data import load_split, tokenize_split
    from compressor.distill.batches import EpochOrder
    from compressor.tasks import get_task, load_tokenizer

    rows = tokenize_split(
        load_split(folder / "data", "train"),
        get_task("text-classification"),
        load_tokenizer(folder / "student"),
        max_length=setup["max_length"],
        cache=folder / "tokens",
    )
    lengths, batch = list(rows["length"]), setup["batch_size"]
    found = {}
    for name, known in (("length groups", lengths), ("random order", None)):
        order = list(EpochOrder(len(lengths), known, batch, setup["seed"]))
        batches = [[lengths[row] for row in order[start : start + batch]] for start in range(0, len(order), batch)]
        found[name] = 1 - sum(lengths) / sum(len(one) * max(one) for one in batches)
    return found


def left_out() -> dict[str, str]:
    """Loop -> why it can't run here."""
    import torch

    found = {}
    if not torch.cuda.is_available():
        found["live-fp16"] = "fp16 is for GPUs"
        if not (shutil.which("g++") or shutil.which("clang++")):
            found["compile"] = "torch.compile needs a C++ compiler, and there is none here"
    return found


def run_loop(folder: Path, name: str, threads: int | None) -> dict[str, Any]:
    """What a loop printed, run in a fresh process; `error`, its last line, where it failed."""
    script = str(Path(__file__).parent / "training_loops.py")
    variables = os.environ | ({} if threads is None else {"OMP_NUM_THREADS": str(threads)})
    command = [sys.executable, script, str(folder), name]
    done = subprocess.run(command, check=False, capture_output=True, text=True, env=variables)
    if done.returncode:
        return {"error": (done.stderr.strip().splitlines() or ["it ended without a word"])[-1]}
    found: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return found


def ratios(rounds: Sequence[Round], of: str, to: str) -> float | None:
    """Median over rounds of the ratio of two loops' texts a second; None where one is missing."""
    both = [one for one in rounds if all("texts_per_second" in one.get(name, {}) for name in (of, to))]
    if not both:
        return None
    found: float = median(one[of]["texts_per_second"] / one[to]["texts_per_second"] for one in both)
    return found


def with_labelling(one: Round, epochs: int) -> float:
    """Texts a second of an epoch where the labelling is spread over so many."""
    seconds = 1 / one["cached"]["texts_per_second"] + 1 / (epochs * one["label"]["texts_per_second"])
    return float(1 / seconds)


def table(rounds: Sequence[Round], setup: Mapping[str, Any], skipped: Mapping[str, str], *, goal: bool = True) -> str:
    """Markdown: ours beside the plain loop, then one change at a time, then the teacher. `goal`: say whether it is
    reached."""
    padding = setup["padding"]
    lines = [
        f"Recipe {setup['recipe']}: {setup['texts']:,} texts, batches of {setup['batch_size']}, a teacher of "
        f"{setup['teacher_parameters']:,} parameters; medians of {len(rounds)} rounds.",
        "",
        "| loop | texts/s | times the plain loop |",
        "|---|---|---|",
    ]
    for name in ("live", "live-bf16", "live-fp16", "cached", "label"):
        if any(name in one for one in rounds):
            against = None if name == "label" else ratios(rounds, name, "live")
            lines.append(f"| {LOOPS[name].title} | {_middle(rounds, name)} | {_times(against)} |")
    whole = [one for one in rounds if all("texts_per_second" in one.get(n, {}) for n in ("live", "cached", "label"))]
    for epochs in EPOCHS if whole else ():
        rate = median(with_labelling(one, epochs) for one in whole)
        against = median(with_labelling(one, epochs) / one["live"]["texts_per_second"] for one in whole)
        lines.append(f"| ours with the labelling, spread over {epochs} epochs | {rate:,.1f} | {_times(against)} |")
    if goal and (gain := ratios(rounds, "cached", "live")) is not None:
        lines += ["", f"Goal: at least {GOAL:g} times the plain loop. {'Reached' if gain >= GOAL else 'Missed'}."]
    lines += _changes(rounds, "cached", "one change to ours", "times ours", skipped)
    lines += _changes(rounds, "teach", "teacher", "times without", skipped)
    lines += [
        "",
        f"Padding: {padding['length groups']:.1%} of the tokens in length groups, {padding['random order']:.1%} in "
        "random order. Packing texts without padding could save no more than that. It isn't measured: transformers "
        "packs (`DataCollatorWithFlattening`) for attention that is told where texts begin, which for encoders is "
        "FlashAttention, on a GPU; on a CPU their mask would let texts see each other.",
    ]
    return "\n".join(lines)


def _changes(rounds: Sequence[Round], base: str, what: str, against: str, skipped: Mapping[str, str]) -> list[str]:
    kind = LOOPS[base].kind
    shown = [name for name, loop in LOOPS.items() if loop.kind == kind and any(name in one for one in rounds)]
    if not shown:
        return []
    lines = ["", f"| {what} | texts/s | {against} | memory, MB | seconds to the fifth step |", "|---|---|---|---|---|"]
    for name in shown:
        found = [one[name] for one in rounds if name in one]
        if error := next((one["error"] for one in found if "error" in one), None):
            lines.append(f"| {LOOPS[name].title} | failed: {error[:200]} | | | |")
            continue
        memory = median(one.get("device_peak_mb") or one["peak_mb"] or 0 for one in found)
        early = median(one.get("seconds_to_step_5", 0) for one in found)
        lines.append(
            f"| {LOOPS[name].title} | {_middle(rounds, name)} | {_times(ratios(rounds, name, base))} | {memory:,.0f} | "
            f"{f'{early:.1f}' if early else '-'} |"
        )
    missing = {name: why for name, why in skipped.items() if LOOPS[name].kind == kind}
    lines += [f"| {LOOPS[name].title} | left out: {why} | | | |" for name, why in missing.items()]
    return lines


def _middle(rounds: Sequence[Round], name: str) -> str:
    found = [one[name]["texts_per_second"] for one in rounds if "texts_per_second" in one.get(name, {})]
    return f"{median(found):,.1f}" if found else f"failed: {rounds[0][name].get('error', '')[:200]}"


def _times(ratio: float | None) -> str:
    return "-" if ratio is None else f"{ratio:.2f}"


def profile_table(found: Mapping[str, Any]) -> str:
    """Markdown: shares of a step, and operators by their own time."""
    lines = [f"Shares of {found['steps']} steps of ours under torch.profiler, which slows small operators.", ""]
    lines += ["| part of a step | share |", "|---|---|"]
    lines += [f"| {part} | {share:.1%} |" for part, share in found["parts"].items()]
    lines += ["", "| operator | calls | share of all operators' own time |", "|---|---|---|"]
    lines += [f"| `{name}` | {calls:,} | {share:.1%} |" for name, calls, share in found["operators"]]
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--recipe", default="reviews-mpnet", help="a recipe file, or a shipped recipe's name")
    parser.add_argument("--teacher", help="folder of the teacher; left out, the recipe's")
    parser.add_argument(
        "--set", action="append", default=[], metavar="KEY=VALUE", help="override a value of the recipe"
    )
    parser.add_argument("--texts", type=int, default=2_048, help="training texts, about")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--loops", nargs="+", choices=LOOPS, default=list(LOOPS), metavar="LOOP")
    parser.add_argument("--threads", type=int, help="threads of each loop; left out, what torch chooses")
    parser.add_argument("--profile", action="store_true", help="only profile a step of ours")
    parser.add_argument("--tiny", action="store_true", help="small random models: whether it runs, no figures")
    parser.add_argument("--list", action="store_true", help="only name the loops")
    parser.add_argument("--json", type=Path, help="also write the figures and the machine here")
    options = parser.parse_args()
    if options.list:
        sys.stdout.writelines(f"{name:20} {loop.title}\n" for name, loop in LOOPS.items())
        return
    with tempfile.TemporaryDirectory(prefix="compressor-training-") as temporary:
        folder = Path(temporary)
        recipe = str(tiny_recipe(folder)) if options.tiny else options.recipe
        overrides = [*options.set, *([f"teacher.model={options.teacher}"] if options.teacher else [])]
        setup = set_up(folder, recipe, overrides, options.texts)
        if options.profile:
            found = run_loop(folder, "profile", options.threads)
            if "error" in found:
                raise SystemExit(found["error"])
            document: dict[str, Any] = {"profile": found}
            shown = profile_table(found)
        else:
            skipped = {name: why for name, why in left_out().items() if name in options.loops}
            names = [name for name in options.loops if name not in skipped]
            rounds: list[dict[str, Any]] = []
            for number in range(options.rounds):
                # Back and forth, so that none is always first.
                order = names[::-1] if number % 2 else names
                rounds.append({})
                for name in order:
                    rounds[-1][name] = run_loop(folder, name, options.threads)
                    sys.stderr.write(f"round {number + 1}: {name:20} {rounds[-1][name]}\n")
            document = {"rounds": rounds, "left_out": skipped}
            shown = table(rounds, setup, skipped, goal=not options.tiny)
    sys.stdout.write(shown + "\n")
    if options.json:
        document |= {"setup": setup, "environment": environment()}
        options.json.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
