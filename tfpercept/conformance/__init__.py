"""Checks of a distance's contract and of its agreement with other programs."""
