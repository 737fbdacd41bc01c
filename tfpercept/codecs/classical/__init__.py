"""Codecs of other makers, through Pillow and its plug-ins."""
