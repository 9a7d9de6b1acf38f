"""Write the output of the README's tour into it, from what ``make demo`` left in ``demo/``:

make demo && python docs/tour.py
"""

from __future__ import annotations

import re
import subprocess
import sys
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


def main() -> None:
    """Replace the block behind each ``<!-- output:NAME -->``."""
    clips = sorted(str(path.relative_to(ROOT)) for path in (ROOT / "demo/data/audio").glob("test-*"))
    evaluation = output("evaluate", "demo/data/cuts_test.jsonl.gz", "-m", "demo/run", "-o", "demo/report")
    blocks = {
        "show": output("data", "show", "demo/data"),
        "train": log(),
        "evaluate": evaluation,
        "demo": "\n".join(evaluation.splitlines()[:3]),
        "transcribe": "\n".join(output("transcribe", *clips, "-m", "demo/run").splitlines()[:3]),
    }
    readme = ROOT / "README.md"
    text = readme.read_text(encoding="utf-8")
    for name, content in blocks.items():
        pattern = rf"(<!-- output:{name} -->\n)(?:```\n.*?\n```\n)?"
        text = re.sub(pattern, lambda found, new=content: f"{found.group(1)}```\n{new}\n```\n", text, count=1, flags=re.DOTALL)
    readme.write_text(text, encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main()
