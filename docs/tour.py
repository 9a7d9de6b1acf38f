"""Write the output of the README's commands into it, and the figures of the recipes into the pages that show them:

    make demo && SRC=FOLDER_OF_AN4 python docs/tour.py

from what ``make demo`` left in ``demo/``, from the models that ``recipes/an4/run.sh`` left in ``runs/an4``, and from
``recipes/*/results``. Blocks whose models are not there stay as they are.
"""

from __future__ import annotations

import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SPEECHRNN = str(Path(sys.executable).with_name("speechrnn"))


def output(*words: str) -> str:
    """Standard output of a speechrnn command, in the words of the README."""
    done = subprocess.run((SPEECHRNN, *words), cwd=ROOT, capture_output=True, text=True, check=True)
    return done.stdout.replace("demo/data", "data/synthetic").replace("demo/run", "runs/synthetic").rstrip()


def log() -> str:
    """First and last lines of the training's log, without their times."""
    lines = (ROOT / "demo/run/train.log").read_text(encoding="utf-8").replace("demo/run", "runs/synthetic").splitlines()
    said = [re.sub(r"^\S+ \S+ [A-Z]+ ", "", line) for line in lines]
    return "\n".join([*said[:6], "…", *said[-6:]])


def demo() -> dict[str, str]:
    """The tour on synthetic speech."""
    if not (ROOT / "demo/run/model").is_dir():
        return {}
    clips = sorted(str(path.relative_to(ROOT)) for path in (ROOT / "demo/data/audio").glob("test-*"))
    evaluation = output("evaluate", "demo/data/cuts_test.jsonl.gz", "-m", "demo/run", "-o", "demo/report-network")
    return {
        "show": output("data", "show", "demo/data"),
        "train": log(),
        "evaluate": evaluation,
        "demo": "\n".join(evaluation.splitlines()[:3]),
        "transcribe": "\n".join(output("transcribe", *clips, "-m", "demo/run").splitlines()[:3]),
    }


def an4() -> dict[str, str]:
    """The commands on real speech."""
    source = os.environ.get("SRC")
    if source is None or not all((ROOT / f"runs/an4/{name}/model").is_dir() for name in ("small-1", "full", "phones")):
        return {}
    recording, text = str(Path(source, "wav/an4test_clstk/mjwl/an391-mjwl-b.flac")), "ENTER TWO NINE EIGHT ONE"
    helpers = ("--lm", "data/an4/lm.arpa", "--lexicon", "data/an4/lexicon.txt")
    test = "data/an4/cuts_test.jsonl.gz"
    with tempfile.TemporaryDirectory() as out:
        blocks = {
            "an4-evaluate": output("evaluate", test, "-m", "runs/an4/small-1", "-o", out),
            "an4-transcribe": output("transcribe", recording, "-m", "runs/an4/small-1", "-f", "ctm"),
            "an4-lm": output("evaluate", test, "-m", "runs/an4/full", "-o", out, *helpers),
            "an4-align": output("align", recording, text, "-m", "runs/an4/phones", "-f", "tsv"),
        }
    return {
        name: content.replace(source, "SOURCE").replace("runs/an4/small-1", "runs/an4/small") for name, content in blocks.items()
    }


def hotwords() -> dict[str, str]:
    """What hotwords bring."""
    train, test = "data/an4/cuts_train.jsonl.gz", "data/an4/cuts_test.jsonl.gz"
    return measured("hotwords", ("runs/an4/full", train, test), "bench.hotword_recall", "runs/an4/full", train, test)


def steps() -> dict[str, str]:
    """What each step of an alignment brings."""
    run, dev = "runs/synthetic/phones", "data/synthetic/cuts_dev.jsonl.gz"
    return measured("steps", (f"{run}/model", dev), "bench.alignment_steps", run, dev)


def measured(name: str, needed: Sequence[str], *module: str) -> dict[str, str]:
    """The output of a module of ``bench``, where what it needs is there."""
    if not all((ROOT / path).exists() for path in needed):
        return {}
    done = subprocess.run((sys.executable, "-m", *module), cwd=ROOT, capture_output=True, text=True, check=True)
    return {name: done.stdout.rstrip()}


HEADLINES = (
    ("AN4 test, letters, greedy, `an4/small`", "an4/results/small-[0-9]", "wer"),
    ("the same encoder, attention, beam 10", "an4/results/small-attention-beam", "wer"),
    ("AN4 test, letters, greedy, `an4/full`", "an4/results/full", "wer"),
    ("the same", "an4/results/full", "cer"),
    ("the same, with lexicon and unigram", "an4/results/full-lm", "wer"),
    ("AN4 test, letters, greedy, `an4/transducer`", "an4/results/transducer", "wer"),
    ("the same, beam 10", "an4/results/transducer-beam", "wer"),
    ("AN4 test, phones of the dictionary, greedy", "an4/results/phones", "per"),
    ("the same, with lexicon and unigram", "an4/results/phones-lm", "wer"),
    ("AN4 test, GMM-HMM (fMLLR), lexicon and unigram", "an4/results/hmm*", "wer"),
    ("Mboshi test, 31 letters with tone, greedy", "mboshi/results/full", "per"),
    ("the same, with a letter 5-gram of train", "mboshi/results/full-lm", "per"),
    ("Mboshi test, GMM-HMM (fMLLR), letter 4-gram of train", "mboshi/results/hmm", "per"),
    ("yesno test", "yesno/results/[0-9]", "wer"),
    ("FSDD test, official split", "fsdd/results/official-*", "wer"),
    ("the same, a class a recording", "fsdd/results/classes-[0-9]", "error"),
    ("synthetic speech, unseen voices", "synthetic/results/1", "wer"),
)
"""What the README's table shows: words, results of a recipe, rate."""


def results() -> str:
    """The median run of each recipe, by a rate, with its interval; of the rungs of an HMM the last."""
    rows = ["| | rate | % | 95 % interval | runs |", "| --- | --- | --- | --- | --- |"]
    for label, pattern, metric in HEADLINES:
        files = sorted((ROOT / "recipes").glob(f"{pattern}/scores.json"))
        found = [json.loads(file.read_text(encoding="utf-8"))["systems"][-1][metric] for file in files]
        if found:
            median = statistics.median_low(one["percent"] for one in found)
            one = next(one for one in found if one["percent"] == median)
            interval = f"{one['low']:.2f} - {one['high']:.2f}"
            rows.append(f"| {label} | {metric.upper()} | {median:.2f} | {interval} | {len(found)} |")
    return "\n".join(rows)


def rungs() -> str:
    """Errors of each rung of the hidden Markov models on test: of several seeds the median and the range."""
    rows = ["| | mono | tri | lda | sat, unadapted | sat |", "| --- | --- | --- | --- | --- | --- |"]
    for label, folder, metric in (("AN4, WER %", "an4", "wer"), ("Mboshi, PER %", "mboshi", "per")):
        files = sorted((ROOT / "recipes" / folder / "results").glob("hmm*/scores.json"))
        seeds = [[s[metric]["percent"] for s in json.loads(file.read_text(encoding="utf-8"))["systems"]] for file in files]
        reached = [
            f"{statistics.median_low(rung):.2f}" + (f" ({min(rung):.2f} - {max(rung):.2f})" if len(rung) > 1 else "")
            for rung in zip(*seeds, strict=True)
        ]
        rows.append(f"| {label} | {' | '.join(reached)} |")
    return "\n".join(rows)


def confidences() -> str:
    """What tuned confidences are worth on test, of the recipes' runs."""
    head = ["run", "items", "wrong", "calibration error", "area under ROC", "Brier", "of a constant"]
    rows = [f"| {' | '.join(head)} |", f"|{' --- |' * len(head)}"]
    for kind, runs in (
        ("words", ("an4/results/full", "an4/results/full-lm")),
        ("tokens", ("mboshi/results/full", "mboshi/results/full-lm")),
    ):
        for run in runs:
            file = ROOT / "recipes" / run / "scores.json"
            if file.is_file() and file.with_name("decoding.yaml").is_file():
                system = json.loads(file.read_text(encoding="utf-8"))["systems"][0]
                found = system["confidence"][kind]
                values = [
                    f"{found[name]['value']:.3f} ({found[name]['low']:.3f} - {found[name]['high']:.3f})"
                    for name in ("calibration_error", "area_under_roc", "brier")
                ]
                cells = [
                    system["name"],
                    f"{found['number']} {kind}",
                    str(found["wrong"]),
                    *values,
                    f"{found['brier_of_a_constant']:.3f}",
                ]
                rows.append(f"| {' | '.join(cells)} |")
    return "\n".join(rows)


def put(page: Path, blocks: dict[str, str]) -> None:
    """Replace the block behind each ``<!-- output:NAME -->``; a table of Markdown stands there as it is."""
    text = page.read_text(encoding="utf-8")
    for name, content in blocks.items():
        block = f"{content}\n" if content.startswith("|") else f"```\n{content}\n```\n"
        pattern = rf"(<!-- output:{name} -->\n)(?:```\n.*?\n```\n|(?:\|[^\n]*\n)+)?"
        text = re.sub(pattern, lambda found, new=block: found.group(1) + new, text, count=1, flags=re.DOTALL)
    page.write_text(text, encoding="utf-8", newline="\n")


def main() -> None:
    """Write into the README and the pages on alignment and decoding."""
    put(ROOT / "README.md", {**demo(), **an4(), "results": results()})
    tables = {name: ROOT / f"recipes/{recipe}/results/{run}/alignment.txt" for name, recipe, run in ALIGNMENTS}
    there = {name: file.read_text(encoding="utf-8").rstrip() for name, file in tables.items() if file.is_file()}
    tests = [f"data/{corpus}/cuts_test.jsonl.gz" for corpus in ("an4", "mboshi")]
    put(ROOT / "docs/alignment.md", {**there, **steps(), **measured("fit", tests, "bench.text_fit")})
    put(ROOT / "docs/decoding.md", hotwords())
    put(ROOT / "docs/tuning.md", {"confidences": confidences()})
    put(ROOT / "docs/hmm.md", {"rungs": rungs()})


ALIGNMENTS = (("synthetic", "synthetic", "phones"), ("mboshi", "mboshi", "full"))
"""Blocks of the page on alignment: name, recipe, run."""


if __name__ == "__main__":
    main()
