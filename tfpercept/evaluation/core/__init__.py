"""Runs, comparisons and statistics that every evaluation uses."""
