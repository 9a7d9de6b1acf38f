"""A network, from its stored log posteriors, against the hidden Markov model on the same test utterances and with the same model of
tokens, or with the same lexicon and model of words:

    python -m bench.network_against_hmm STORED DATA HYPOTHESES --lm LM.arpa.gz [--lexicon LEXICON] -o OUT

STORED is what the names of stored log posteriors begin with (``tests/data/mboshi``), DATA the data directory, HYPOTHESES the
``hypotheses.jsonl`` of ``speechrnn evaluate``, of which the last system counts, LM and LEXICON what that system reads with. The
network's weights are tuned on dev. OUT gets ``scores.json``.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict, replace
from pathlib import Path

from bench.rescoring import Stored, decode
from speechrnn.cli.console import table, track
from speechrnn.data.manifest import read_manifest
from speechrnn.data.prepared import read_corpus
from speechrnn.decoding.helpers import Helpers
from speechrnn.decoding.options import DecodingOptions
from speechrnn.decoding.tuned import with_weights
from speechrnn.jobs.evaluate import Loaded
from speechrnn.jobs.provenance import collect
from speechrnn.jobs.tune import tune
from speechrnn.reports import summary
from speechrnn.reports.hypotheses import read_hypotheses
from speechrnn.reports.scores import scores_record
from speechrnn.scoring.compare import compare
from speechrnn.scoring.results import Item, System


def others(path: Path, metric: str) -> list[System]:
    """The systems of a ``hypotheses.jsonl``."""
    items: dict[str, list[Item]] = {}
    units: dict[str, str] = {}
    for record in read_hypotheses(path):
        units[record["system"]] = record["unit"]
        sides = tuple(record["reference_tokens"]), tuple(record["tokens"])
        found = Item(record["id"], record["reference"], record["hypothesis"], *sides, speaker=record.get("speaker", ""))
        items.setdefault(record["system"], []).append(found)
    return [System(name, str(path), units[name], (metric,), tuple(own)) for name, own in items.items()]


def main() -> None:
    """Print rates and differences, and write them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("stored")
    parser.add_argument("data", type=Path)
    parser.add_argument("hypotheses", type=Path)
    parser.add_argument("--lm", type=Path, required=True)
    parser.add_argument("--lexicon", type=Path)
    parser.add_argument("-o", "--out", type=Path, required=True)
    given = parser.parse_args()
    dev, test = (Loaded(split, Path(given.stored), Stored(Path(f"{given.stored}_{split}.npz"))) for split in ("dev", "test"))  # type: ignore[arg-type]
    manifest, tested = given.data / "cuts_dev.jsonl.gz", given.data / "cuts_test.jsonl.gz"
    utterances = read_manifest(tested)
    systems = []
    metric, same = ("wer", "same lexicon and language model") if given.lexicon else ("per", "same language model")
    for name, helpers in (("network, greedy", None), (f"network, {same}", Helpers(lm=given.lm, lexicon=given.lexicon))):
        outcome = tune(manifest, read_manifest(manifest), dev, DecodingOptions(), helpers, track=track)
        decoder = test.recognizer.decoder_for(with_weights(DecodingOptions(), outcome.best.weights), helpers)  # type: ignore[attr-defined]
        systems.append(System(name, given.stored, dev.recognizer.tokenizer.unit, (metric,), decode(utterances, test, decoder)))
    top = others(given.hypotheses, metric)[-1]
    # Under its own name it would count as a further run of itself in tables.
    top = replace(top, name=f"hidden Markov model ({top.name})")
    if [item.id for item in top.items] != [utterance.id for utterance in utterances]:
        raise SystemExit(f"{given.hypotheses}: other utterances than {tested}")
    evaluation = compare([*systems, top])
    provenance = collect(tested, corpus=read_corpus(given.data), normalization=asdict(dev.recognizer.text_options))
    given.out.mkdir(parents=True, exist_ok=True)
    record = json.dumps(scores_record(evaluation, provenance), ensure_ascii=False, indent=2)
    (given.out / "scores.json").write_text(record + "\n", encoding="utf-8")
    print(table(summary.rows(evaluation), summary.HEADER))
    print("\n".join(summary.lines(evaluation)))


if __name__ == "__main__":
    main()
