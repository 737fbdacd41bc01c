"""Codecs on sources whose rate-distortion function is known."""
