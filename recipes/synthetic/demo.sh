#!/usr/bin/env bash
# What make demo runs: speech is made, a recognizer trained on it, and voices it has never heard transcribed and scored.
set -euo pipefail
DATA=${DATA:-demo/data}
RUN=${RUN:-demo/run}
source "$(dirname "$0")/../steps.sh"

prepare synthetic
train "$RUN" synthetic
ls "$DATA"/audio/test-* | head -4 | while read -r file; do
  say speechrnn transcribe "$file" -m "$RUN"
done
say speechrnn evaluate "$DATA/cuts_test.jsonl.gz" -m "$RUN" -o demo/report
echo "open demo/report/report.html in a browser" >&2
