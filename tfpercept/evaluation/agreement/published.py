"""Published agreement on BAPPS, in percent, to be printed beside measured rows.

Sources: for "Watson repository" the validation results that are stored in
SteffenCzolbe/PerceptualSimilarity at 3729dd1 (Czolbe et al. 2020, with the fix
of the input range); for "PIM paper" Bhardwaj et al. 2020, means of all subsets.
"""

ORIGIN = "BAPPS"
SUBSETS_2AFC = (
  "traditional", "cnn", "superres", "deblur", "color", "frameinterp",
)  # fmt: skip
SUBSETS_JND = ("traditional", "cnn")

_WATSON_REPOSITORY = {
  "L1": (57.27, 78.82, 64.81, 58.30, 62.72, 57.64),
  "L2": (55.38, 79.49, 65.38, 58.97, 62.85, 55.17),
  "SSIM": (59.24, 78.83, 64.54, 58.81, 56.74, 56.71),
  "Watson-DCT": (62.67, 80.79, 61.69, 56.12, 61.22, 52.98),
  "Watson-DFT": (68.71, 81.52, 66.74, 57.78, 60.41, 60.48),
  "Watson-VGG": (75.98, 83.04, 70.57, 59.95, 62.34, 62.99),
  "Deeploss-VGG": (76.29, 83.01, 70.29, 60.01, 63.43, 63.32),
  "Deeploss-Squeeze": (76.01, 83.49, 70.92, 60.87, 65.11, 62.93),
  "Adaptive": (58.82, 79.60, 63.91, 58.52, 63.30, 54.08),
  "Human": (80.84, 84.35, 73.60, 66.09, 68.83, 68.61),
}
# Mean 2AFC, mean JND.
_PIM_PAPER = {
  "MS-SSIM": (63.26, 52.50),
  "NLPD": (63.50, 50.80),
  "LPIPS-Alex, no linear weights": (68.98, 59.47),
  "LPIPS-Alex": (69.53, 61.50),
  "PIM": (69.09, 64.38),
}


def rows(kind: str, subsets: tuple[str, ...]) -> dict[str, dict[str, float]]:
  """Returns the published scores in [0, 1] that a table has columns for.

  Args:
    kind: Kind of judgements, `"2afc"` or `"jnd"`; other kinds have no published
      scores.
    subsets: Subsets of the measured data. Means are returned only if they are
      all of BAPPS' validation set, and subset scores only for BAPPS' names.

  Returns:
    Scores by row and by subset, or `kind` for the mean.
  """
  found: dict[str, dict[str, float]] = {}
  if kind == "2afc":
    for name, values in _WATSON_REPOSITORY.items():
      by_subset = dict(zip(SUBSETS_2AFC, values, strict=True))
      scores = {s: by_subset[s] / 100 for s in subsets if s in by_subset}
      if set(subsets) == set(SUBSETS_2AFC):
        scores["2afc"] = sum(values) / len(values) / 100
      if scores:
        found[f"Watson repository: {name}"] = scores
  names = {"2afc": SUBSETS_2AFC, "jnd": SUBSETS_JND}.get(kind)
  if names and set(subsets) == set(names):
    for name, means in _PIM_PAPER.items():
      mean = means[("2afc", "jnd").index(kind)]
      found[f"PIM paper: {name}"] = {kind: mean / 100}
  return found
