"""Classical codecs such as JPEG, by Pillow and its plug-ins."""
