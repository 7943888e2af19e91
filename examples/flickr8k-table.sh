#!/usr/bin/env bash
# Every cell with every kind of attention under one small budget: the table of docs/flickr8k.md.
#
#   examples/flickr8k-table.sh <flickr8k folder> <features of flickr8k.sh> <folder for what is made>
#
# Trains two models at a time, a core each, and prints a line of JSON a model. What is done stays.
set -euo pipefail

if [ "$#" -lt 3 ]; then
  sed -n '2,/^$/s/^# \{0,1\}//p' "$0" >&2
  exit 2
fi
dataset="flickr8k:$1" features="$2" runs="$3"
cli="$(dirname "$0")/../dist/cli/main.js"
mkdir -p "$runs"
export OPENBLAS_NUM_THREADS=1

# try <cell> <attention>: trains, and measures by the decoder of flickr8k.sh.
try() {
  local name="$1-$2" looking=()
  if [ -e "$runs/$name.json" ]; then return; fi
  case "$2" in
    none) ;;
    location | spatial-transformer) looking=(--attention "$2" --value-size 256) ;;
    *) looking=(--attention "$2" --value-size 256 --attention-size 256) ;;
  esac
  node "$cli" train captioner "$dataset" --features "$features" --overwrite \
    --out "$runs/$name" --log "$runs/$name.jsonl" --cell "$1" "${looking[@]}" \
    --hidden 256 --embedding 128 --epochs 1 --batch-size 64 --dropout 0.3 --label-smoothing 0.1 \
    --optimiser adamw --rate 1e-3 --schedule cosine --warmup 100 >"$runs/$name.out" 2>&1
  node "$cli" evaluate "$dataset" --features "$features" --model "$runs/$name/best.safetensors" \
    --decoder beam --beam 5 --length-penalty average --json >"$runs/$name.tmp"
  mv "$runs/$name.tmp" "$runs/$name.json"
}

export -f try
export dataset features runs cli
for cell in rnn gru lstm; do
  for attention in none location dot additive hard spatial-transformer; do
    echo "$cell $attention"
  done
done | xargs -P 2 -L 1 bash -euo pipefail -c 'try "$0" "$1"'
for result in "$runs"/*.json; do
  node -e '
    const [, path] = process.argv;
    const { bleu1, bleu4, rougeL, cider, lossPerWord } = JSON.parse(require("fs").readFileSync(path));
    console.log(JSON.stringify({ model: path.replace(/.*\/|\.json$/g, ""), lossPerWord, bleu1, bleu4, rougeL, cider }));
  ' "$result"
done
