#!/usr/bin/env bash
# AN4 from the publisher's files to the result table:
#   SRC=FOLDER_OF_AN4 recipes/an4/run.sh [hmm|small|full|phones|transducer|attention|small-attention ...]
# DATA= is the data directory (data/an4); without an argument all are trained, HMMs and small with three seeds. Transducer and
# attention begin with the encoder of full.
set -euo pipefail
DATA=${DATA:-data/an4}
source "$(dirname "$0")/../steps.sh"

prepare an4
for what in "${@:-hmm small full phones transducer attention small-attention}"; do
  for name in $what; do
    case $name in
      hmm)
        hmm runs/an4/hmm an4/hmm recipes/an4/results/hmm
        # The flat start is luck of a point or two.
        for seed in 2 3; do
          hmm "runs/an4/hmm-$seed" an4/hmm "recipes/an4/results/hmm-$seed" "seed=$seed"
        done ;;
      small)
        for seed in 1 2 3; do
          train "runs/an4/small-$seed" an4/small "seed=$seed"
          transcribe "runs/an4/small-$seed" "${SRC-}/wav/an4test_clstk"
          evaluate "runs/an4/small-$seed" "recipes/an4/results/small-$seed"
        done ;;
      transducer|attention)
        train "runs/an4/$name" "an4/$name" init=runs/an4/full
        evaluate "runs/an4/$name" "recipes/an4/results/$name"
        evaluate "runs/an4/$name" "recipes/an4/results/$name-beam" "an4/$name, beam 10" --decoding kind=beam --decoding beam=10
        # Beside the CTC of the network it began with, both greedy.
        beside=recipes/an4/results/$name-and-ctc
        if ! scored "runs/an4/$name" "$beside"; then
          say speechrnn evaluate "$DATA/cuts_test.jsonl.gz" -m runs/an4/full --name "the CTC that $name began with" \
            -m "runs/an4/$name" --name "$name" -o "runs/an4/$name/beside-ctc" --audio none
          mkdir -p "$beside"
          cp "runs/an4/$name/beside-ctc/scores.json" "runs/an4/$name/beside-ctc/hypotheses.jsonl" "$beside/"
        fi ;;
      small-attention)
        train runs/an4/small-attention an4/small head=attention head.unit=chars trainer.max_epochs=40
        evaluate runs/an4/small-attention recipes/an4/results/small-attention "an4/small, attention"
        evaluate runs/an4/small-attention recipes/an4/results/small-attention-beam "an4/small, attention, beam 10" \
          --decoding kind=beam --decoding beam=10 ;;
      *)
        train "runs/an4/$name" "an4/$name"
        transcribe "runs/an4/$name" "${SRC-}/wav/an4test_clstk"
        evaluate "runs/an4/$name" "recipes/an4/results/$name"
        evaluate "runs/an4/$name" "recipes/an4/results/$name-lm" "an4/$name, lexicon and unigram" \
          --lm "$DATA/lm.arpa" --lexicon "$DATA/lexicon.txt" ;;
    esac
  done
done
table an4
