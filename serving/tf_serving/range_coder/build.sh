#!/usr/bin/env bash
# Builds TensorFlow Serving with the range coder linked, for exports of codecs.
#
#   serving/tf_serving/range_coder/build.sh FOLDER
#
# It needs Git, Docker, the network and hours. Not run here.
set -euo pipefail
readonly here=$(cd "$(dirname "$0")" && pwd)
readonly work=${1:?a folder for the sources}
mkdir -p "$work" && cd "$work"

clone() {
  [ -d "$2" ] || git clone --depth=1 --branch="$3" "https://github.com/$1" "$2"
}
clone tensorflow/serving serving 2.14.1
clone tensorflow/compression compression v2.14.1

readonly place=serving/tensorflow_serving/custom_ops/range_coder
mkdir -p "$place/tensorflow_compression"
cp "$here/BUILD" "$place/BUILD"
cp -r compression/tensorflow_compression/cc "$place/tensorflow_compression/"
# Its own BUILD would make a package of the folder and hide the sources.
rm "$place/tensorflow_compression/cc/BUILD"

readonly build=serving/tensorflow_serving/model_servers/BUILD
readonly target='//tensorflow_serving/custom_ops/range_coder:range_coder_ops'
grep -q "$target" "$build" ||
  sed -i "/^SUPPORTED_TENSORFLOW_OPS/,/^\]$/ s|^\]$|    \"$target\",\n]|" "$build"
grep -q "$target" "$build"  # or their file has changed

cd serving
tools/run_in_docker.sh bazel build -c opt \
  tensorflow_serving/model_servers:tensorflow_model_server
echo "Built $PWD/bazel-bin/tensorflow_serving/model_servers/tensorflow_model_server"
