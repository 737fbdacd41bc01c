"""What people call distances that go by another name here."""

MEANT = {
  "l1": "mae",
  "l2": "mse",
  "meanabsoluteerror": "mae",
  "meansquarederror": "mse",
  "ciede2000": "delta_e",
  "charbonnier": "robust",
  "huber": "robust",
}
"""In small letters without `_`. No names: an error says which one is meant."""
