"""The container of learned codecs: headers, checksums, range decoding."""
