"""Networks that distances compare pictures by."""
