#!/usr/bin/env bash
# Makes .venv with the pinned versions and this tree installed as editable.
#
# Does nothing when .venv is up to date. The stamp in it is written last and
# removed first, so an interrupted install is found and made anew. A stamp of
# another folder means that the tree was moved or copied: made anew as well,
# since a virtual environment holds absolute paths.
#
# The part in C is built where there is a compiler; without, the range coder is
# slower. PYTHON=... names the interpreter; uv is used where it is installed.
set -euo pipefail
cd "$(dirname "$0")/.."

readonly needs=3.11
readonly constraints=constraints-tf214.txt
readonly stamp=.venv/tfpercept-installed

fail() {
  echo "error: $*" >&2
  exit 1
}

find_python() {
  local candidate version
  for candidate in ${PYTHON:-python3.11 python3}; do
    version=$("$candidate" -c \
      'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null) || continue
    if [ "$version" = "$needs" ]; then
      echo "$candidate"
      return
    fi
  done
  if [ -n "${PYTHON:-}" ]; then
    fail "PYTHON=$PYTHON is not Python $needs; name one that is, as in" \
      "'make $goal PYTHON=/usr/bin/python$needs'."
  fi
  fail "Python $needs was not found (TensorFlow 2.14 has no newer one);" \
    "'apt-get install python$needs python$needs-venv', or name it, as in" \
    "'make $goal PYTHON=/path/to/python$needs'."
}

make_venv() {
  local python
  python=$(find_python)
  rm -rf .venv
  if command -v uv >/dev/null; then
    uv venv --quiet --python "$python" .venv
    return
  fi
  "$python" -c 'import ensurepip' 2>/dev/null || fail \
    "$python has no venv module; 'apt-get install python$needs-venv'."
  "$python" -m venv .venv
}

# uv, or else the pip inside .venv, which a .venv made by uv does not have.
can_install() {
  command -v uv >/dev/null || .venv/bin/python -c 'import pip' 2>/dev/null
}

install() {
  if command -v uv >/dev/null; then
    uv pip install --quiet --python .venv/bin/python "$@"
  else
    # Modules are compiled when they are first imported, and most never are.
    .venv/bin/python -m pip install -qq --disable-pip-version-check --no-compile "$@"
  fi
}

readonly goal=${1:-test}
digest=$(cat setup.* pyproject.toml "$constraints" "$0" tfpercept/codecs/bitstream/*.c |
  sha256sum)
digest=${digest%% *}

if [ -x .venv/bin/python ] && [ -f "$stamp" ]; then
  { read -r was_in; read -r was; } <"$stamp" || true
  if [ "${was_in:-}" = "$PWD" ]; then
    [ "${was:-}" = "$digest" ] && exit 0
    can_install && keep=yes
  fi
fi

[ -n "${keep:-}" ] || make_venv
rm -f "$stamp"
echo "Installing the versions of $constraints into .venv (once; takes a minute or two)"
# The build backend first: without isolation it too comes from the constraints.
install --constraint "$constraints" setuptools wheel
extras=$(.venv/bin/python - <<'PY'
import configparser
config = configparser.ConfigParser()
config.read("setup.cfg")
# `make test-clusters` and `make test-serving` install these beside .venv.
beside = {"dask", "spark", "triton"}
print(",".join(e for e in config["options.extras_require"] if e not in beside))
PY
)
install --constraint "$constraints" --no-build-isolation --editable ".[$extras]"
printf '%s\n%s\n' "$PWD" "$digest" >"$stamp"
