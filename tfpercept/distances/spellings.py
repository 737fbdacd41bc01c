"""Other names of distances, which error messages understand."""

MEANT = {
  "l1": "mae",
  "l2": "mse",
  "meanabsoluteerror": "mae",
  "meansquarederror": "mse",
  "ciede2000": "delta_e",
  "charbonnier": "robust",
  "huber": "robust",
}
"""Registered name by the other name, in small letters without `_`.

The other names are not accepted: an error says which distance is meant.
"""
