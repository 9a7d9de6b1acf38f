#!/usr/bin/env bash
# yesno from the publisher's files to the result table, three seeds:
#   SRC=FOLDER_OF_YESNO recipes/yesno/run.sh
set -euo pipefail
DATA=${DATA:-data/yesno}
source "$(dirname "$0")/../steps.sh"

prepare yesno
hmm runs/yesno/hmm yesno/hmm recipes/yesno/results/hmm
for seed in 1 2 3; do
  train "runs/yesno/$seed" yesno "seed=$seed"
  transcribe "runs/yesno/$seed" "${SRC-}"
  evaluate "runs/yesno/$seed" "recipes/yesno/results/$seed"
done
table yesno
