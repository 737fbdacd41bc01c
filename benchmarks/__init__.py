"""Speed beside peers; never imported by the product."""
