"""Benchmarks of speed beside peers; never imported by the package."""
