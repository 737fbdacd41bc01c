"""Networks with what they are trained for, on one base."""
