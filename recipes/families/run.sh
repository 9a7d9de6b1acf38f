#!/usr/bin/env bash
# One encoder, everything that can be put on it, and the hidden Markov model: phones of synthetic speech and of AN4, to one table:
#   SRC=FOLDER_OF_AN4 recipes/families/run.sh [synthetic|an4 ...]
# A run that is finished is skipped; what is left goes on. EPOCHS= are those of each network, by default 30 and 20.
set -euo pipefail
source "$(dirname "$0")/../steps.sh"

# family CORPUS EXPERIMENT EPOCHS: EXPERIMENT's encoder under every head
family() {
  local corpus=$1 experiment=$2 epochs=${EPOCHS:-$3} DATA=data/$1 split runs=runs/families/$1 results=recipes/families/results/$1
  prepare "$corpus"
  [ -f "$DATA/lm.arpa" ] || lm "$DATA/lm.arpa" --order 2
  hmm "runs/$corpus/hmm" "$corpus/hmm" "$results-hmm"
  for split in train dev test; do
    local manifest=cuts_$split.jsonl.gz
    [ -f "$DATA-timed/$manifest" ] || say speechrnn align "$DATA/$manifest" -m "runs/$corpus/hmm" -o "$DATA-timed/$manifest"
    [ -f "$DATA-states/$manifest" ] || say speechrnn align "$DATA/$manifest" -m "runs/$corpus/hmm" --states -o "$DATA-states/$manifest"
  done
  set -- "trainer.max_epochs=$epochs"
  train "$runs/ctc" "$experiment" head=phones "$@"
  evaluate "$runs/ctc" "$results-ctc" "$corpus: CTC"
  evaluate "$runs/ctc" "$results-ctc-lm" "$corpus: CTC, lexicon and language model" --lm "$DATA/lm.arpa" --lexicon "$DATA/lexicon.txt"
  DATA=data/$corpus-timed train "$runs/frames" "$experiment" head=framewise "$@"
  DATA=data/$corpus-timed classes "$runs/frames" "$results-frames" "$corpus: a label for each frame"
  DATA=data/$corpus-timed train "$runs/alone" "$experiment" head=framewise model.cell=feedforward model.bidirectional=false "$@"
  DATA=data/$corpus-timed classes "$runs/alone" "$results-alone" "$corpus: a label for each frame, feed-forward"
  DATA=data/$corpus-states train "$runs/hybrid" "$experiment" head=framewise head.level=state "head.hmm=runs/$corpus/hmm" "$@"
  evaluate "$runs/hybrid" "$results-hybrid" "$corpus: hybrid with the hidden Markov model"
  train "$runs/transducer" "$experiment" head=transducer head.unit=phones head.ctc_weight=0.3 "$@"
  evaluate "$runs/transducer" "$results-transducer" "$corpus: transducer"
  train "$runs/attention" "$experiment" head=attention head.unit=phones "$@"
  evaluate "$runs/attention" "$results-attention" "$corpus: attention" --decoding kind=beam --decoding beam=10
}

for corpus in "${@:-synthetic an4}"; do
  case $corpus in
    *synthetic*) family synthetic synthetic/phones 30 ;;&
    *an4*) family an4 an4/stacked 20 ;;
  esac
done
table families
