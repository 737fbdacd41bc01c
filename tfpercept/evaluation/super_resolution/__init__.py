"""Super-resolution benchmarks and their page."""
