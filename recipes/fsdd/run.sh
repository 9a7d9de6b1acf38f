#!/usr/bin/env bash
# FSDD from the publisher's files to the result table:
#   SRC=FOLDER_OF_FSDD recipes/fsdd/run.sh [official|speakers|classes|classes-speakers]
#   SRC=FOLDER_OF_FSDD AN4=FOLDER_OF_AN4 recipes/fsdd/run.sh transfer
# official: the published split, three seeds, the names spelled. speakers: leave one speaker out, six runs. classes and
# classes-speakers: the same, a class a recording. transfer: classes-speakers begun from a network that has heard AN4. Without an
# argument all.
set -euo pipefail
OFFICIAL=${DATA:-data/fsdd}
source "$(dirname "$0")/../steps.sh"

# What transfer needs is asked for before hours are spent.
case " ${*:-transfer} " in *" transfer "*) [ -f data/an4/corpus.json ] || : "${AN4:?set AN4= to the folder of AN4 for transfer}" ;; esac

SPEAKERS="george jackson lucas nicolas theo yweweler"

for what in "${@:-official speakers classes classes-speakers transfer}"; do
  for name in $what; do
    case $name in
      official)
        DATA=$OFFICIAL
        prepare fsdd
        for seed in 1 2 3; do
          train "runs/fsdd/official-$seed" fsdd/words "seed=$seed"
          transcribe "runs/fsdd/official-$seed" "${SRC-}"/recordings/*_theo_0.wav
          evaluate "runs/fsdd/official-$seed" "recipes/fsdd/results/official-$seed"
        done ;;
      speakers)
        for speaker in $SPEAKERS; do
          DATA=$OFFICIAL-without-$speaker
          prepare fsdd --leave-out "$speaker"
          train "runs/fsdd/without-$speaker" fsdd/words
          transcribe "runs/fsdd/without-$speaker" "${SRC-}"/recordings/*_"$speaker"_0.wav
          evaluate "runs/fsdd/without-$speaker" "recipes/fsdd/results/without-$speaker" "fsdd/words without $speaker"
        done ;;
      classes)
        DATA=$OFFICIAL
        prepare fsdd
        for seed in 1 2 3; do
          train "runs/fsdd/classes-$seed" fsdd/classify "seed=$seed"
          classes "runs/fsdd/classes-$seed" "recipes/fsdd/results/classes-$seed"
        done ;;
      classes-speakers)
        for speaker in $SPEAKERS; do
          DATA=$OFFICIAL-without-$speaker
          prepare fsdd --leave-out "$speaker"
          train "runs/fsdd/classes-without-$speaker" fsdd/classify
          classes "runs/fsdd/classes-without-$speaker" "recipes/fsdd/results/classes-without-$speaker" "fsdd/classify without $speaker"
        done ;;
      transfer)
        SRC=${AN4-} DATA=data/an4 prepare an4
        DATA=data/an4 train runs/an4/telephone an4/telephone
        for speaker in $SPEAKERS; do
          DATA=$OFFICIAL-without-$speaker
          prepare fsdd --leave-out "$speaker"
          train "runs/fsdd/transfer-without-$speaker" fsdd/transfer init=runs/an4/telephone
          classes "runs/fsdd/transfer-without-$speaker" "recipes/fsdd/results/transfer-without-$speaker" "fsdd/transfer without $speaker"
        done ;;
    esac
  done
done
table fsdd
