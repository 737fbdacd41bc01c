"""Files, read with care and written whole, and downloads by checksum."""
