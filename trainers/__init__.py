"""Training programs: `python -m trainers.srcnn --help`."""
