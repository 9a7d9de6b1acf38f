#!/usr/bin/env bash
# What make demo runs: speech is made, a network and a hidden Markov model are trained on it, and voices that neither has heard are
# transcribed and scored.
set -euo pipefail
DATA=${DATA:-demo/data}
RUN=${RUN:-demo/run}
source "$(dirname "$0")/../steps.sh"

prepare synthetic
train "$RUN" synthetic
# What it replaces: a hidden Markov model with Gaussian mixtures, up to triphones so that the demo stays short.
ladder "$RUN-hmm" synthetic/hmm ladder.top=tri
heard=("$DATA"/audio/test-*)
say speechrnn transcribe "${heard[@]:0:4}" -m "$RUN"
# Both with the same words and the same bigram of the training texts; the network alone beside them.
lm demo/bigram.arpa --order 2
say speechrnn evaluate "$DATA/cuts_test.jsonl.gz" -m "$RUN" -o demo/report-network
say speechrnn evaluate "$DATA/cuts_test.jsonl.gz" -m "$RUN" -m "$RUN-hmm" --lm demo/bigram.arpa -o demo/report
echo "open demo/report/report.html in a browser" >&2
