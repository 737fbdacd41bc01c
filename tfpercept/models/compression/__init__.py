"""Networks of learned codecs and their parts."""
