"""Rate-distortion curves of codecs, their tables and pages."""
