#!/usr/bin/env bash
# The table of docs/video.md: who does what in clips, by 3-D convolutions, by recurrent networks over frames and over
# joints, and the controls. Three seeds each, the last epoch, people of test never seen in training.
#
#   examples/video.sh <folder with weizmann4 and msr-action3d> <folder for what is made> [work...]
#
# Work: joints, c3d, lrcn, ji, one-frame (all unless said). Trains two models at a time, a core each, and prints lines of
# JSON: mistakes on test. What is done stays.
set -euo pipefail

if [ "$#" -lt 2 ]; then
  sed -n '2,/^$/s/^# \{0,1\}//p' "$0" >&2
  exit 2
fi
data="$1" runs="$2"
shift 2
[ "$#" -gt 0 ] || set -- joints c3d lrcn ji one-frame
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
ji="--model ji --resize squash --epochs 200"

# try <name> <dataset> <seed> <flags of evaluate> -- <flags of train>
try() {
  local name="$1-$3" dataset="$2" seed="$3" judged="$4"
  shift 4
  if [ -e "$runs/$name.json" ]; then return; fi
  node "$cli" train video-classifier "$dataset" --seed "$seed" --out "$runs/$name" --overwrite "$@" \
    >"$runs/$name.out" 2>&1
  # shellcheck disable=SC2086
  for control in none shuffle still; do
    flags="$judged"
    [ "$control" = none ] || flags="$flags --control $control"
    node "$cli" evaluate "$dataset" --model "$runs/$name/last.safetensors" --json $flags
  done >"$runs/$name.tmp"
  mv "$runs/$name.tmp" "$runs/$name.json"
}
export -f try
export runs cli

for work in "$@"; do
  for seed in 1 2 3; do
    case "$work" in
      joints) printf '%s\0' joints "$(msr skeletons)" "$seed" "" $joints --- ;;
      c3d) printf '%s\0' c3d "$(msr drawn-60x40)" "$seed" "" $c3d --- ;;
      lrcn) printf '%s\0' lrcn "$(msr drawn-60x40)" "$seed" "" $lrcn --- ;;
      one-frame) printf '%s\0' one-frame "$(msr drawn-60x40)" "$seed" "" $c3d --frames 1 --- ;;
      ji)
        for who in daria denis eli ido ira lena lyova moshe shahar; do
          printf '%s\0' "ji-$who" "table:$data/weizmann4/clips.csv,label=action,by=subject,test=$who" "$seed" "--hop 1" $ji ---
        done
        ;;
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
    const [own, shuffled, still] = lines.map(({ clips, mistakes }) => `${(100 * (1 - mistakes / clips)).toFixed(1)} %`);
    const { clips, mistakes, views, viewMistakes } = lines[0];
    console.log(`${process.argv[2]}: ${clips - mistakes} of ${clips} clips right (${own}), ${views - viewMistakes} of ${views} views; shuffled ${shuffled}, still ${still}`);
  ' "$file" "$(basename "$file" .json)"
done
