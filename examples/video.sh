#!/usr/bin/env bash
# The tables of docs/video.md: who does what in clips, by 3-D convolutions, by recurrent networks over frames and over
# joints, and sentences about clips; and the controls. Three seeds each, the last epoch, people of test never seen in
# training.
#
#   examples/video.sh <folder with weizmann4 and msr-action3d> <folder for what is made> [work...]
#
# Work: joints, c3d, lrcn, ji, one-frame, order-s2vt, order-attention, order-mean, scenes (all unless said); digits, which
# wants MNIST in <folder>/../mnist. Trains two models at a time, a core each. What is done stays.
set -euo pipefail

if [ "$#" -lt 2 ]; then
  sed -n '2,/^$/s/^# \{0,1\}//p' "$0" >&2
  exit 2
fi
data="$1" runs="$2"
shift 2
[ "$#" -gt 0 ] || set -- joints c3d lrcn ji one-frame order-s2vt order-attention order-mean scenes
cli="$(dirname "$0")/../dist/cli/main.js"
mkdir -p "$runs"
export OPENBLAS_NUM_THREADS=1

msr() {
  echo "npz:$data/msr-action3d/$1.npz,columns=action+person+repetition+frames,label=action,by=person,train=1+3+5+7+9,test=2+4+6,names=$data/msr-action3d/actions.txt"
}
# The flags of each work; docs/video.md says what they do.
joints="--model lrcn --points 3 --motion --both-directions --layers 2 --hidden 128 --pooling attention --take even --frames 32 --dropout 0.5 --zoom 0.2 --noise 0.2 --turn 40 --label-smoothing 0.1 --rate 2e-3 --epochs 60"
c3d="--model c3d --width 16 --convolutions 1,1,1,1 --motion --take even --frames 16 --dropout 0.3 --shift 0.1 --zoom 0.15 --label-smoothing 0.1 --optimiser adamw --rate 2e-3 --epochs 80"
lrcn="--model lrcn --filters 16,32,64,64 --hidden 128 --both-directions --pooling attention --motion --take even --frames 16 --dropout 0.2 --shift 0.12 --zoom 0.2 --label-smoothing 0.1 --optimiser adamw --weight-decay 0.05 --rate 2e-3 --batch-size 8 --epochs 90"
ji="--model ji --optimiser adamw --weight-decay 0.1 --label-smoothing 0.1 --dropout 0.3 --shift 0.06 --epochs 300"
digits="--model lrcn --filters 16,32,64,64 --hidden 128 --take even --frames 6 --rate 2e-3 --epochs 8"
# Of captioners of clips.
order="--frames 8 --size 48 --filters 16,32,64 --strides 1,2,2 --motion --hidden 256 --embedding 64 --dropout 0 --batch-size 16 --rate 8e-4 --schedule cosine --patience 100 --epochs 20"
scenes="--combine attention --attention-size 256 --value-size 512 --frames 8 --size 48 --filters 16,32,64 --strides 1,2,2 --motion --hidden 512 --embedding 64 --dropout 0 --batch-size 16 --rate 1e-3 --schedule cosine --patience 100 --epochs 5"

# try <kind> <name> <dataset> <seed> <flags of evaluate> <flags of train>
try() {
  local kind="$1" name="$2-$4" dataset="$3" seed="$4" judged="$5"
  shift 5
  if [ -e "$runs/$name.json" ]; then return; fi
  node "$cli" train "$kind" "$dataset" --seed "$seed" --out "$runs/$name" --overwrite "$@" \
    >"$runs/$name.out" 2>&1
  local controls=('' '--control shuffle' '--control still')
  [ "$kind" = video-classifier ] || controls=('' '--shuffle-frames')
  # shellcheck disable=SC2086
  for control in "${controls[@]}"; do
    node "$cli" evaluate "$dataset" --model "$runs/$name/last.safetensors" --split test --json $judged $control
  done >"$runs/$name.tmp"
  mv "$runs/$name.tmp" "$runs/$name.json"
}
export -f try
export runs cli

clips=video-classifier words=video-captioner
turns=moving:6000,dev=200,test=400,order=yes,sentences=1
for work in "$@"; do
  for seed in 1 2 3; do
    # shellcheck disable=SC2086
    case "$work" in
      joints) printf '%s\0' $clips joints "$(msr skeletons)" "$seed" "" $joints --- ;;
      c3d) printf '%s\0' $clips c3d "$(msr drawn-60x40)" "$seed" "" $c3d --- ;;
      lrcn) printf '%s\0' $clips lrcn "$(msr drawn-60x40)" "$seed" "" $lrcn --- ;;
      one-frame) printf '%s\0' $clips one-frame "$(msr drawn-60x40)" "$seed" "" $c3d --frames 1 --- ;;
      ji)
        for who in daria denis eli ido ira lena lyova moshe shahar; do
          printf '%s\0' $clips "ji-$who" "table:$data/weizmann4/clips.csv,label=action,by=subject,test=$who" "$seed" "--hop 1" $ji ---
        done
        ;;
      digits) printf '%s\0' $clips digits "digits:$data/../mnist,count=10000,dev=500,test=2000" "$seed" "" $digits --- ;;
      order-*) printf '%s\0' $words "$work" "$turns" "$seed" "" --combine "${work#order-}" $order --- ;;
      scenes) printf '%s\0' $words scenes "moving:40000,dev=300,test=500,sentences=1" "$seed" "" $scenes --- ;;
      *) echo "there is no work $work" >&2 && exit 2 ;;
    esac
  done
done | while IFS= read -r -d '' word; do
  if [ "$word" = --- ]; then
    # Two at a time.
    while [ "$(jobs -rp | wc -l)" -ge 2 ]; do wait -n; done
    try "${line[@]}" &
    line=()
  else
    line+=("$word")
  fi
done
wait
for file in "$runs"/*.json; do
  node -e '
    const lines = require("fs").readFileSync(process.argv[1], "utf8").trim().split(/\n(?=\{)/).map((text) => JSON.parse(text));
    const [own, ...controls] = lines;
    const share = (part) => `${(100 * part).toFixed(1)} %`;
    const right = ({ clips, mistakes }) => share(1 - mistakes / clips);
    const told = ({ exactMatch: exact, order }) => `exact ${share(exact)}${order ? `, order right ${share(order.rightShare)}, the other way round ${share(order.reversedShare)}` : ""}`;
    console.log(
      `${process.argv[2]}: ` +
        (own.mistakes === undefined
          ? `${told(own)}; frames shuffled: ${controls.map(told)}`
          : `${own.clips - own.mistakes} of ${own.clips} clips right (${right(own)}), ${own.views - own.viewMistakes} of ${own.views} views; shuffled ${right(controls[0])}, still ${right(controls[1])}`),
    );
  ' "$file" "$(basename "$file" .json)"
done
