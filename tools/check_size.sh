#!/usr/bin/env bash
# Names the files given that are over 6 MB: data belongs beside the repository.
set -euo pipefail
large=$(find "$@" -maxdepth 0 -type f -size +6000k)
[ -z "$large" ] || { echo "over 6 MB: $large" >&2; exit 1; }
