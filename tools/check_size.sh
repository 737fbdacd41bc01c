#!/usr/bin/env bash
# Names the files given that are over 6 MB: data belongs beside the repository.
# Snapshots of long runs, which go when their result ships, may have 8 MB.
set -euo pipefail
large=$(find "$@" -maxdepth 0 -type f \
  \( -size +8000k -o -size +6000k ! -path 'trainers/snapshots/*' \))
[ -z "$large" ] || { echo "over its limit: $large" >&2; exit 1; }
