"""Measures of how real decoded pictures look, beside their distances."""
