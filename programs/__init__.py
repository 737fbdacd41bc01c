"""Start of the programs beside the package, and their errors."""
