"""Start of the programs of `trainers` and `export`, and their errors."""
