#!/usr/bin/env bash
# Which cells carry information how far: the adding problem, the copy task, spoken digits behind a pause:
#   SRC=FOLDER_OF_FSDD recipes/memory/run.sh
# Hours of one core; stopped at any time, it goes on where it was.
set -euo pipefail
DATA=${DATA:-data/fsdd}
source "$(dirname "$0")/../steps.sh"

prepare fsdd
OMP_NUM_THREADS=1 say python recipes/memory/trials.py recipes/memory/results --data "$DATA"
