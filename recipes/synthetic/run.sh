#!/usr/bin/env bash
# Synthetic speech, made, trained on and scored:
#   recipes/synthetic/run.sh
set -euo pipefail
DATA=${DATA:-data/synthetic}
source "$(dirname "$0")/../steps.sh"

prepare synthetic
hmm runs/synthetic/hmm synthetic/hmm recipes/synthetic/results/hmm
align runs/synthetic/hmm recipes/synthetic/results/hmm
train runs/synthetic/1 synthetic
transcribe runs/synthetic/1 "$DATA"/audio/test-*
evaluate runs/synthetic/1 recipes/synthetic/results/1
train runs/synthetic/phones synthetic/phones
evaluate runs/synthetic/phones recipes/synthetic/results/phones
align runs/synthetic/phones recipes/synthetic/results/phones
table synthetic
