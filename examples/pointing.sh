#!/bin/sh
# The table of docs/attention.md: trains a captioner of drawn scenes with each kind of attention, and
# plays the pointing game on scenes of another seed.
#
#     npm run build
#     sh examples/pointing.sh [folder] [seed of the weights]
#
# About two minutes a training on one core.
set -e

runs=${1:-runs/pointing}
seed=${2:-1}
glimpse="node $(dirname "$0")/../dist/cli/main.js"

train() {
  kind=$1
  shift
  $glimpse train captioner scenes:6000,dev=300 --attention "$kind" --out "$runs/$kind" --seed "$seed" \
    --filters 16,32,32,32 --attention-size 64 --value-size 64 --cell rnn --hidden 128 --embedding 64 \
    --initial-state zero --positions --context output \
    --batch-size 16 --rate 2e-3 --schedule cosine --epochs 5 --patience 5 --dropout 0 "$@"
}

train dot
train additive
train spatial-transformer --centre places --glimpse 1

for kind in dot additive spatial-transformer; do
  echo "$kind"
  $glimpse evaluate scenes:10,test=500,seed=2027 --split test \
    --model "$runs/$kind/best.safetensors" --pointing
done
