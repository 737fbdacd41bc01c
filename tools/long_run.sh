#!/usr/bin/env bash
# Trains a codec for days, at the lowest priority, beside whatever else is done.
#
#     tools/long_run.sh NAME
#
# NAME is that of a preset in trainers/presets, such as photo_mse. The run lies in
# runs/long/NAME and may be stopped at any second; the same command goes on from
# its last checkpoint. A new run starts at the snapshot in trainers/snapshots,
# where there is one, else at the model of that name that comes with the package.
# Where the preset names another model by --initial, the long run of that name is
# looked for first: so MODEL's twins begin at the best weights that MODEL has.
# That model and the flags are copied beside the run when it begins, and are used
# ever after, so that a newer model in the package does not end the run.
#
# PHOTOS lists folders of photographs to train on besides the preset's own, and
# VALIDATION one that is only measured on. runs/photographs/debian is fetched.
set -euo pipefail
cd "$(dirname "$0")/.."

readonly name=${1:?usage: tools/long_run.sh NAME}
readonly preset=trainers/presets/$name.flags
readonly run=runs/long/$name
readonly flags=runs/long/$name.flags
readonly initial=runs/long/$name.initial
readonly debian=runs/photographs/debian

if [ ! -f "$preset" ]; then
  echo "error: there is no preset $preset" >&2
  exit 1
fi
if [ ! -f "$flags" ]; then
  [ -d "$debian" ] || tools/photographs.sh "$debian"
  mkdir -p runs/long
  start=$(sed -n 's/^--initial=//p' "$preset")
  start=${start:-$name}
  for model in "runs/long/$start/model" "trainers/snapshots/$start" \
    "tfpercept/pretrained/$start"; do
    if [ -d "$model" ]; then
      # A run that trains meanwhile replaces its model now and then.
      for attempt in 1 2 3; do
        rm -rf "$initial"
        cp -r "$model" "$initial" && diff -rq "$model" "$initial" >&2 && break
        [ "$attempt" -lt 3 ] || exit 1
        sleep 1
      done
      break
    fi
  done
  {
    cat "$preset"
    for folder in "$debian" ${PHOTOS:-}; do
      echo "--data=$folder"
    done
    [ -z "${VALIDATION:-}" ] || echo "--validation=$VALIDATION"
    [ ! -d "$initial" ] || echo "--initial=$initial"
    echo "--out=$run"
  } >"$flags.new"
  mv "$flags.new" "$flags"
fi
exec nice -n 19 .venv/bin/python -m trainers.compression --flagfile="$flags"
