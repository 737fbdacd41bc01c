#!/usr/bin/env bash
# Builds web/dist, the page that shows .tfp files: its sources, the codecs of the
# package, and LiteRT.js, two packages of npm that are pinned by their SHA-256.
#
# Does nothing when web/dist is up to date. What npm brings is kept in
# web/packages. Files that the page does not need stay away.
set -euo pipefail
cd "$(dirname "$0")/.."

readonly dist=web/dist packages=web/packages stamp=web/dist/built
readonly most=7000000  # bytes that all files have together when they are gzipped

fail() {
  echo "error: $*" >&2
  exit 1
}

# All that the page is made of: whole folders, so that a file that is split or
# renamed is still among them.
digest=$(cat web/*.* "$0" LICENSE constraints-tf214.txt \
  export/browser.py export/fresh.py export/run_tflite.py export/tflite.py \
  tfpercept/manifests.py tfpercept/offers.py tfpercept/models/base.py \
  tfpercept/codecs/bitstream/*.py tfpercept/codecs/learned/*.py \
  tfpercept/models/compression/*.py tfpercept/ops/codec_constants.py \
  tfpercept/pretrained/*/manifest.json | sha256sum)
digest=${digest%% *}
if [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$digest" ]; then
  exit 0
fi

# Each line of the list is a SHA-256 and a file, as sha256sum reads them.
mkdir -p "$packages"
while read -r sum file; do
  [ -f "$packages/$file" ] && continue
  command -v npm >/dev/null ||
    fail "npm fetches LiteRT.js; 'apt-get install npm', or put $file into" \
      "$packages."
  name=${file#litertjs-}
  name=${name%-*}
  version=${file##*-}
  echo "Fetching @litertjs/$name ${version%.tgz}"
  npm pack --loglevel=error --pack-destination "$packages" \
    "@litertjs/$name@${version%.tgz}" >/dev/null
done <web/packages.sha256
(cd "$packages" && sha256sum --check --quiet --strict ../packages.sha256) ||
  fail "$packages holds other files than web/packages.sha256 names; remove it" \
    "and run make web again."

work=$(mktemp -d web/.building.XXXXXX)
trap 'rm -rf "$work"' EXIT
while read -r sum file; do
  mkdir -p "$work/$file"
  tar -xzf "$packages/$file" -C "$work/$file" --strip-components=1
done <web/packages.sha256
core=$(echo "$work"/litertjs-core-*)
utils=$(echo "$work"/litertjs-wasm-utils-*)

page=$work/page
mkdir -p "$page/litert/wasm"
cp web/*.html web/*.css web/*.js "$page"
cp "$core/wasm/litert_wasm_compat_internal.wasm" "$page/litert/wasm"
# A third of the text of its loader is comments.
sed '/^ *\/\//d' "$core/wasm/litert_wasm_compat_internal.js" \
  >"$page/litert/wasm/litert_wasm_compat_internal.js"
# Workers have no import maps, so the one import of another package names its
# file. Source maps are not shipped.
sed -e 's|"@litertjs/wasm-utils"|"./wasm-utils.js"|' -e '/^\/\/# sourceMapping/d' \
  "$core/dist/index.js" >"$page/litert/core.js"
grep -q '"./wasm-utils.js"' "$page/litert/core.js" ||
  fail "LiteRT.js no longer imports @litertjs/wasm-utils by that name."
sed -e '/^\/\/# sourceMapping/d' "$utils/dist/index.js" >"$page/litert/wasm-utils.js"
(cat web/licenses.txt && echo && cat LICENSE) >"$page/licenses.txt"
.venv/bin/python -m export.browser --out="$page/models" >/dev/null
size=0
while read -r -d '' file; do
  size=$((size + $(gzip -9c "$file" | wc -c)))
done < <(find "$page" -type f -print0)
[ "$size" -le "$most" ] ||
  fail "the page has $size bytes when each file is gzipped; at most $most may be"
echo "$digest" >"$page/built"
chmod -R u=rwX,go=rX "$page"
rm -rf "$dist"
mv "$page" "$dist"
echo "Built $dist: $size bytes when each file is gzipped"
