#!/usr/bin/env bash
# Builds all targets of BUILD and runs its tests with the Python of .venv.
set -euo pipefail
cd "$(dirname "$0")/.."

if ! command -v bazel >/dev/null; then
  echo "error: Bazel was not found; 'apt-get install bazel-bootstrap'." >&2
  exit 1
fi
export PATH="$PWD/.venv/bin:$PATH"
if [ -d ../shared ]; then
  export TFPERCEPT_SHARED="${TFPERCEPT_SHARED:-$(cd ../shared && pwd)}"
fi
trap 'bazel shutdown' EXIT
bazel test --noshow_progress //... "$@"
