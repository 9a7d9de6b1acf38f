#!/usr/bin/env bash
# All cells at equal parameter count on yesno and FSDD, some on AN4, to one table and one picture:
#   SRC=FOLDER_OF_CORPORA recipes/cells/run.sh [yesno|fsdd|an4...]
# A run whose line stands in results/ is skipped; what is left goes on. About an hour of one core for each.
set -euo pipefail
source "$(dirname "$0")/../steps.sh"

RUNS=${RUNS:-runs/cells}

# each CORPUS EXPERIMENT SEEDS CELL... [-- KEY=VALUE...]
each() {
  local corpus=$1 experiment=$2 seeds=$3
  shift 3
  local cells=() DATA=data/$corpus SRC=${SRC-}/$corpus
  while [ $# -gt 0 ] && [ "$1" != -- ]; do cells+=("$1"); shift; done
  [ $# -eq 0 ] || shift
  prepare "$corpus"
  for cell in "${cells[@]}"; do
    local hidden= run
    for seed in $(seq "$seeds"); do
      run=$RUNS/$corpus/$cell-$seed
      ! python recipes/cells/cells.py kept "$run" || continue
      hidden=${hidden:-$(python recipes/cells/cells.py units "$experiment" "$cell")}
      train "$run" "$experiment" "model.cell=$cell" "model.hidden=$hidden" "seed=$seed" "$@"
      [ -f "$run/evaluation/scores.json" ] || say speechrnn evaluate "$DATA/cuts_test.jsonl.gz" -m "$run" -o "$run/evaluation" --audio none
      python recipes/cells/cells.py keep "$run"
    done
  done
}

ALL=(rnn_tanh rnn_relu rnn_sigmoid irnn lstm lstm_peephole lstm_coupled lstm_projection lstm_layernorm gru ligru indrnn)
for corpus in "${@:-yesno fsdd an4}"; do
  case $corpus in
    *yesno*) each yesno yesno 3 "${ALL[@]}" ;;&
    *fsdd*) each fsdd fsdd/small 3 "${ALL[@]}" ;;&
    *an4*) each an4 an4/stacked 1 lstm gru ligru irnn rnn_tanh ;;
  esac
done
python recipes/cells/cells.py table
