"""Native rules under the names that Bazel's own tools load; see ../../README.md."""

proto_lang_toolchain = native.proto_lang_toolchain
proto_library = native.proto_library
