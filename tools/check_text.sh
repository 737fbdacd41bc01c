#!/usr/bin/env bash
# Names the files given that have trailing whitespace, carriage returns, or not
# exactly one newline at the end. Binary files pass, and so do streams, of which a
# short one may have no byte that tells it from text.
set -euo pipefail
status=0
for file in "$@"; do
  [[ "$file" != *.tfp ]] || continue
  grep -Iq . "$file" || continue
  if grep -nHE '[[:space:]]+$' "$file"; then
    status=1
  fi
  if [ -s "$file" ] && [ "$(tail -c 2 "$file" | od -An -c | tr -d ' ')" = '\n\n' ]; then
    echo "$file: blank line at the end"
    status=1
  elif [ -s "$file" ] && [ -n "$(tail -c 1 "$file")" ]; then
    echo "$file: no newline at the end"
    status=1
  fi
done
exit $status
