# Steps shared by the recipes, sourced by each run.sh. A step whose output stands is skipped; a training that was
# interrupted goes on from its last checkpoint. Every step is a plain speechrnn call that can be typed by hand.

cd "$(dirname "${BASH_SOURCE[0]}")/.."
PATH="$PWD/.venv/bin:$PATH"

say() { printf '\n$ %s\n' "$*" >&2; "$@"; }

# prepare CORPUS [OPTION...]: the publisher's files in $SRC to manifests in $DATA
prepare() {
  [ -f "$DATA/corpus.json" ] && return
  local corpus=$1
  shift
  if [ "$corpus" = synthetic ]; then
    say speechrnn data prepare synthetic "$DATA" "$@"
  else
    say speechrnn data prepare "$corpus" "${SRC:?set SRC= to the folder the publisher ships}" "$DATA" "$@"
  fi
}

# train RUN EXPERIMENT [KEY=VALUE...]
train() {
  local run=$1
  set -- "experiment=$2" "data.dir=$DATA" "run.dir=$run" "${@:3}"
  if [ ! -f "$run/config.yaml" ]; then
    say speechrnn train "$@"
    return
  fi
  # The data settle the sampling rate.
  if ! diff <(speechrnn train "$@" --print-config | grep -v ^sampling_rate) <(grep -v ^sampling_rate "$run/config.yaml") >&2; then
    echo "warning: $run was begun with another configuration (>) and is kept; move it away to train with the present one (<)" >&2
  fi
  grep -q '"finished": true' "$run/run.json" 2>/dev/null || say speechrnn train --resume "$run"
}

# transcribe RUN PATH...: recordings to text and JSON files beside the run
transcribe() {
  local run=$1
  shift
  [ "$run/transcripts" -nt "$run/model/model.json" ] && [ ! -e "$run/transcripts/.speechrnn-transcribe.jsonl" ] && return
  say speechrnn transcribe "$@" -m "$run" -f all -o "$run/transcripts" --overwrite
}

# scored RUN RESULTS: whether the scores that stand there are those of the run's model; they tell the checksum of its weights
scored() {
  [ -f "$2/scores.json" ] && python - "$1/model/weights.safetensors" "$2/scores.json" <<'END'
import pathlib, sys
from speechrnn.checksum import sha256
weights, scores = map(pathlib.Path, sys.argv[1:])
sys.exit(sha256(weights) not in scores.read_text(encoding="utf-8"))
END
}

# lm FILE OPTION...: an n-gram model of the training transcripts
lm() {
  local file=$1
  shift
  [ -f "$file" ] || say speechrnn lm train "$DATA/cuts_train.jsonl.gz" -o "$file" "$@"
}

# evaluate RUN RESULTS [NAME [OPTION...]]: scores of the run's model on test, by the helpers that options name; their weights and
# what confidences are worth are tuned on dev. What is kept of the run goes to RESULTS.
evaluate() {
  local run=$1 results=$2 name=${3:-}
  shift "$(($# < 3 ? $# : 3))"
  [ -f "$results/decoding.yaml" ] && scored "$run" "$results" && return
  local out=$run/evaluation${1:+-with-helpers}
  say speechrnn tune "$DATA/cuts_dev.jsonl.gz" -m "$run" "$@"
  say speechrnn evaluate "$DATA/cuts_test.jsonl.gz" -m "$run" ${name:+--name "$name"} -o "$out" "$@"
  mkdir -p "$results"
  cp "$run/config.yaml" "$run/run.json" "$run/model/decoding.yaml" "$results/"
  # Every epoch, and about every 20th step.
  awk -F, 'NR % 20 == 1 || $6 != ""' "$run/metrics.csv" > "$results/metrics.csv"
  # Hypotheses stand beside references: kept only where the corpus's licence allows to pass transcripts on.
  [ "${KEEP_HYPOTHESES:-yes}" = no ] || cp "$out/hypotheses.jsonl" "$results/"
  cp "$out/scores.json" "$results/scores.json"
}

# classes RUN RESULTS [NAME]: scores of a model that names classes; there is nothing to tune
classes() {
  local run=$1 results=$2 name=${3:-}
  scored "$run" "$results" && return
  say speechrnn evaluate "$DATA/cuts_test.jsonl.gz" -m "$run" ${name:+--name "$name"} -o "$run/evaluation"
  mkdir -p "$results"
  cp "$run/config.yaml" "$run/run.json" "$run/evaluation/hypotheses.jsonl" "$run/evaluation/scores.json" "$results/"
  awk -F, 'NR % 20 == 1 || $6 != ""' "$run/metrics.csv" > "$results/metrics.csv"
}

# ladder RUN EXPERIMENT [KEY=VALUE...]: hidden Markov models; one that was interrupted begins anew
ladder() {
  local run=$1 experiment=$2
  shift 2
  grep -q '"finished": true' "$run/run.json" 2>/dev/null && return
  [ ! -f "$run/config.yaml" ] || rm -r "$run"
  say speechrnn train "experiment=$experiment" "data.dir=$DATA" "run.dir=$run" "$@"
}

# hmm RUN EXPERIMENT RESULTS [KEY=VALUE...]: hidden Markov models, each rung tuned on dev as it is trained and scored on test
hmm() {
  local run=$1 experiment=$2 results=$3
  shift 3
  ladder "$run" "$experiment" "$@"
  scored "$run" "$results" && return
  local rungs=()
  for rung in mono tri lda unadapted; do
    [ ! -d "$run/rungs/$rung" ] || rungs+=(-m "$run/rungs/$rung")
  done
  say speechrnn evaluate "$DATA/cuts_test.jsonl.gz" "${rungs[@]}" -m "$run" -o "$run/evaluation"
  mkdir -p "$results"
  cp "$run/config.yaml" "$run/run.json" "$run/model/decoding.yaml" "$run/metrics.csv" "$results/"
  [ "${KEEP_HYPOTHESES:-yes}" = no ] || cp "$run/evaluation/hypotheses.jsonl" "$results/"
  cp "$run/evaluation/scores.json" "$results/scores.json"
}

# align RUN RESULTS: times of the test texts by the run's model, measured against those the data come with
align() {
  local run=$1 results=$2
  [ "$results/alignment.txt" -nt "$results/scores.json" ] && return
  say speechrnn align "$DATA/cuts_test.jsonl.gz" -m "$run" -o "$run/aligned" --overwrite
  mkdir -p "$results"
  say speechrnn align --compare "$DATA/cuts_test.jsonl.gz" "$run/aligned" > "$results/alignment.part"
  mv "$results/alignment.part" "$results/alignment.txt"
}

# table RECIPE: the result table of recipes/RECIPE/README.md from its results
table() {
  python -m speechrnn.reports.tables "recipes/$1/README.md" recipes/"$1"/results/*/scores.json
}
