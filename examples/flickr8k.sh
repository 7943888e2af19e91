#!/usr/bin/env bash
# The captioner of docs/flickr8k.md, from photos to scores: features, four models, one caption from all.
#
#   examples/flickr8k.sh <flickr8k folder> <mobilenet_v2.onnx> <folder for what is made> [dev|test]
#
# Trains two models at a time, a core each. What was stopped goes on where it was, what is done stays.
set -euo pipefail

if [ "$#" -lt 3 ]; then
  sed -n '2,/^$/s/^# \{0,1\}//p' "$0" >&2
  exit 2
fi
dataset="flickr8k:$1" encoder="$2" runs="$3" split="${4:-dev}"
features="$runs/mobilenet-7x7.safetensors"

cli="$(dirname "$0")/../dist/cli/main.js"

# train <name> <flags>: what the models differ in.
train() {
  local name="$1" resume=()
  shift
  if [ -e "$runs/$name/last.safetensors" ]; then resume=(--resume); fi
  OPENBLAS_NUM_THREADS=1 exec node "$cli" train captioner "$dataset" --features "$features" \
    --out "$runs/$name" --log "$runs/$name.jsonl" "${resume[@]}" "$@" \
    --attention additive --gate --dropout 0.5 --label-smoothing 0.1 --batch-size 64 \
    --optimiser adamw --rate 1e-3 --schedule cosine --warmup 200 --select cider --patience 10
}

# Background jobs do not hear Ctrl-C; this makes them save and stop.
trap 'kill $(jobs -p) 2>/dev/null && wait' EXIT

# both <pid> <pid>: waits for two runs; fails when one did.
both() {
  wait "$1"
  wait "$2"
}

mkdir -p "$runs"
if [ ! -e "$features" ]; then
  node "$cli" features "$dataset" --encoder "$encoder" --out "$features" \
    --grid --grid-output grid_7x7 --pooled-output pooled
fi

train lstm-1 --seed 1 --epochs 10 & first=$!
train lstm-2 --seed 2 --epochs 10 & second=$!
both "$first" "$second"
train gru-3 --seed 3 --epochs 5 --cell gru & first=$!
train gru-6 --seed 6 --epochs 5 --cell gru & second=$!
both "$first" "$second"

ensemble=()
for model in lstm-1 lstm-2 gru-3 gru-6; do ensemble+=(--model "$runs/$model/best.safetensors"); done
node "$cli" evaluate "$dataset" --split "$split" "${ensemble[@]}" \
  --decoder beam --beam 5 --length-penalty average --block-ngrams 3 --remove-bad-endings
