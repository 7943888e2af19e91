#!/usr/bin/env bash
# Fully connected, convolutional, and convolutional behind a spatial transformer, on digits that are rotated
# (R), rotated, scaled and translated (RTS), projected (P), and bent (E): the table of docs/classifiers.md.
#
#   examples/distorted-mnist.sh <folder with MNIST in IDX files> <folder for what is made>
#
# Trains two models at a time, a core each, and prints a line of JSON a model: mistakes on test. What is done
# stays. About two hours on two cores.
set -euo pipefail

if [ "$#" -lt 2 ]; then
  sed -n '2,/^$/s/^# \{0,1\}//p' "$0" >&2
  exit 2
fi
dataset="idx:$1" runs="$2"
cli="$(dirname "$0")/../dist/cli/main.js"
mkdir -p "$runs"
export OPENBLAS_NUM_THREADS=1

# try <model> <distortion> <epochs>
try() {
  local name="$1-$2"
  if [ -e "$runs/$name.json" ]; then return; fi
  node "$cli" train classifier "$dataset" --model "$1" --distort "$2" --epochs "$3" --patience "$3" \
    --batch-size 64 --out "$runs/$name" --log "$runs/$name.jsonl" --overwrite >"$runs/$name.out" 2>&1
  node "$cli" evaluate "$dataset" --model "$runs/$name/best.safetensors" --json >"$runs/$name.tmp"
  mv "$runs/$name.tmp" "$runs/$name.json"
}

export -f try
export dataset runs cli
for kind in R RTS P E; do
  echo "st-cnn $kind 15"
  # On 42 x 42 an epoch of this one takes as long as three of the others.
  echo "cnn $kind $([ "$kind" = RTS ] && echo 6 || echo 15)"
  echo "fcn $kind 30"
done | xargs -P 2 -L 1 bash -euo pipefail -c 'try "$0" "$1" "$2"'
for file in "$runs"/*.json; do
  printf '%s: ' "$(basename "$file" .json)"
  node -p 'const { images, mistakes, error } = JSON.parse(require("fs").readFileSync(process.argv[1]));
    JSON.stringify({ images, mistakes, error })' "$file"
done
