#!/usr/bin/env bash
# Mboshi from the publisher's files to the result table:
#   SRC=FOLDER_OF_MBOSHI recipes/mboshi/run.sh
set -euo pipefail
DATA=${DATA:-data/mboshi}
KEEP_HYPOTHESES=no
source "$(dirname "$0")/../steps.sh"

prepare mboshi
hmm runs/mboshi/hmm mboshi/hmm recipes/mboshi/results/hmm
train runs/mboshi/full mboshi/full
transcribe runs/mboshi/full "${SRC-}/full_corpus_newsplit/dev"
evaluate runs/mboshi/full recipes/mboshi/results/full
lm runs/mboshi/letters.arpa --unit letter --order 5
evaluate runs/mboshi/full recipes/mboshi/results/full-lm "mboshi/full, letter 5-gram" --lm runs/mboshi/letters.arpa
align runs/mboshi/full recipes/mboshi/results/full
train runs/mboshi/french mboshi/french init=runs/mboshi/full
evaluate runs/mboshi/french recipes/mboshi/results/french
evaluate runs/mboshi/french recipes/mboshi/results/french-beam "mboshi/french, beam 10" --decoding kind=beam --decoding beam=10
table mboshi
