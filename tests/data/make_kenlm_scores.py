"""Write what KenLM says of some models and texts, for tests that need no KenLM:

    python tests/data/make_kenlm_scores.py LMPLZ

in an environment with the package kenlm; LMPLZ is its program of that name, built from the same source. ``kenlm_scores.json`` holds

    models     name, arpa (the file's text), sentences: each its words and KenLM's log10 probabilities of them and of the end; none
               for unigrams, which KenLM does not read
    estimates  order, prune, and the name of the model that lmplz makes of ``text``
    text       sentences, a line each

The models with an order in their name are random: some of their n-grams lack the n-gram without their first word, more than a few
of which KenLM refuses. Backoff weights are missing here and there.
"""

from __future__ import annotations

import json
import random
import subprocess
import sys
import tempfile
from pathlib import Path

import kenlm

WORDS = "ba be da de ga ge"
QUIRKS = """\\data\\
ngram 1=5
ngram 2=3

\\1-grams:
-99\t<s>\t-0.3
-1.1\t</s>
-0.8\t<UNK>\t-0.05
-0.5\ta\t-0.2
-0.6\tb

\\2-grams:
-0.25\t<s> a
-0.35\ta <UNK>
-0.45\t<UNK> b

\\end\\
"""
NO_UNKNOWN = QUIRKS.replace("=5", "=4").replace("=3", "=1").replace("-0.8\t<UNK>\t-0.05\n", "")
NO_UNKNOWN = NO_UNKNOWN.replace("-0.35\ta <UNK>\n-0.45\t<UNK> b\n", "")


def main(lmplz: str) -> None:
    text = sentences_of_a_chain()
    models = {f"random {order}": random_arpa(order) for order in range(2, 7)}
    models |= {"quirks": QUIRKS, "no <unk>": NO_UNKNOWN}
    estimates = []
    for order, prune in ((1, []), (2, []), (3, []), (4, [0, 0, 1])):
        name = f"lmplz {order} {prune}"
        models[name] = estimated(lmplz, text, order, prune)
        estimates.append({"order": order, "prune": prune, "model": name})
    record = {
        "models": [{"name": name, "arpa": arpa, "sentences": scores(arpa)} for name, arpa in models.items()],
        "estimates": estimates,
        "text": text,
    }
    out = Path(__file__).with_name("kenlm_scores.json")
    out.write_text(json.dumps(record, ensure_ascii=False, separators=(",", ":")) + "\n", encoding="utf-8")


def sentences_of_a_chain() -> str:
    """Sentences in which every word depends on the one before: their counts of counts give discounts."""
    generator = random.Random(5)
    words = [consonant + vowel for consonant in "bdgklmnprst" for vowel in "aeiou"]
    lines = []
    for _ in range(60):
        place, line = generator.randrange(len(words)), []
        for _ in range(generator.randint(1, 7)):
            line.append(words[place])
            place = (place * 7 + int(generator.expovariate(0.5))) % len(words)
        lines.append(" ".join(line) + "\n")
    return "".join(lines)


def random_arpa(order: int) -> str:
    generator = random.Random(order)
    words = ["<unk>", "<s>", "</s>", *WORDS.split()[: 6 if order < 4 else 3]]
    levels = [[(word,) for word in words]]
    for _ in range(order - 1):
        longer = [(*ngram, word) for ngram in levels[-1] if ngram[-1] != "</s>" for word in words if word != "<s>"]
        listed = set(levels[-1])
        levels.append([ngram for ngram in longer if generator.random() < (0.65 if ngram[1:] in listed else 0.02)])
    lines = ["\\data\\", *(f"ngram {n}={len(level)}" for n, level in enumerate(levels, 1)), ""]
    for n, level in enumerate(levels, 1):
        lines.append(f"\\{n}-grams:")
        for ngram in level:
            backoff = f"\t{generator.uniform(-1, 0.2):.4f}" if n < order and generator.random() < 0.7 else ""
            lines.append(f"{generator.uniform(-3, 0):.4f}\t{' '.join(ngram)}{backoff}")
        lines.append("")
    return "\n".join([*lines, "\\end\\", ""])


def estimated(lmplz: str, text: str, order: int, prune: list[int]) -> str:
    pruning = ["--prune", *map(str, prune)] if prune else []
    command = [lmplz, "-o", str(order), *pruning, "--discount_fallback", "-S", "100M"]
    return subprocess.run(command, input=text, check=True, capture_output=True, text=True).stdout


def scores(arpa: str) -> list[dict[str, object]]:
    if "\\2-grams:" not in arpa:
        return []
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "lm.arpa"
        path.write_text(arpa, encoding="utf-8")
        model = kenlm.Model(str(path))
    section = arpa.split("\\1-grams:\n")[1].split("\n\n")[0]
    known = [line.split()[1] for line in section.splitlines()]
    choices = [word for word in known if word not in {"<s>", "</s>"}] + ["never-seen"]
    generator = random.Random(11)
    sentences = [[generator.choice(choices) for _ in range(length)] for length in (0, 1, 2, 3, 5, 8, 12, 20)]
    return [
        {"words": " ".join(words), "log10": [round(score, 6) for score, *_ in model.full_scores(" ".join(words))]}
        for words in sentences
    ]


if __name__ == "__main__":
    main(sys.argv[1])
