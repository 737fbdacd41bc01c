"""How good pictures and distances are: scores, reports, conformance."""
