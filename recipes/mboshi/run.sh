#!/usr/bin/env bash
# Mboshi from the publisher's files to the result table:
#   SRC=FOLDER_OF_MBOSHI recipes/mboshi/run.sh
set -euo pipefail
DATA=${DATA:-data/mboshi}
KEEP_HYPOTHESES=no
source "$(dirname "$0")/../steps.sh"

prepare mboshi
train runs/mboshi/full mboshi/full
transcribe runs/mboshi/full "$SRC/full_corpus_newsplit/dev"
evaluate runs/mboshi/full recipes/mboshi/results/full
align runs/mboshi/full recipes/mboshi/results/full
table mboshi
