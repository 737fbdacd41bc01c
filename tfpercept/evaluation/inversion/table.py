"""The table of small pictures, beside published figures."""

from collections.abc import Mapping, Sequence

from tfpercept.evaluation.inversion import measure

HEADS = (
  "method", "bytes", "bpp", "PNG /", "24 bpp /", "PSNR", "MSE", "SSIM",
  "LPIPS", "PIM", "Fréchet", "Fréchet (PIM)",
)  # fmt: skip
PUBLISHED: Mapping[str, Sequence[str]] = {
  "published: GAN inversion": (
    "-", "0.2152", "63.34", "111.5", "21.19", "540", "0.7073", *["-"] * 4,
  ),
  "published: JPEG, quality 1": (
    "-", "0.2176", "-", "110.3", "-", "-", "0.5280", *["-"] * 4,
  ),
}  # fmt: skip
"""Rows of the source project, on faces of CelebA that we do not have. Its ratio
of 63.34 is against PNG, since 63.34 * 0.2152 is 13.6 bits per pixel, and its
PSNR is a mean over pictures. The other columns follow from its rate, or are not
told. Of its row of K-means we have no figures."""
RATE, SSIM = 0.2152, 0.7073
"""Rate and SSIM that were published."""
HEADER_NOTE = (
  "All sizes are those of whole files. A JPEG of such a picture is mostly its "
  "header: {least:.0f} bytes or more at any quality, {share:.2f} bits per "
  "pixel at this size. So a file of fewer bytes than JPEG's proves nothing; "
  "compare with PCA, which stores its coefficients behind the same 18 bytes."
)


def lines(rows: Mapping[str, measure.Row]) -> list[list[str]]:
  """Returns the cells of the table, heads and published rows included."""
  found = [list(HEADS)]
  for name, row in rows.items():
    found.append(
      [
        name, f"{row.bytes:.1f}", f"{row.bpp:.4f}", f"{row.to_png:.2f}",
        f"{row.to_raw:.1f}", f"{row.psnr:.2f}", f"{row.mse:.0f}",
        f"{row.ssim:.4f}", f"{row.lpips:.4f}", f"{row.pim:.3g}",
        _set_distance(row.frechet), _set_distance(row.pim_frechet),
      ]
    )  # fmt: skip
  found += [[name, *cells] for name, cells in PUBLISHED.items()]
  return found


def _set_distance(value: float) -> str:
  """Formats a distance of sets, of which less than a millionth is rounding."""
  return "0" if value < 1e-6 else f"{value:.4g}"


def markdown(title: str, rows: Mapping[str, measure.Row]) -> str:
  """Returns the table of a part in Markdown."""
  head, *body = lines(rows)
  rule = ["---", *["---:"] * (len(head) - 1)]
  text = "\n".join(f"| {' | '.join(cells)} |" for cells in (head, rule, *body))
  return f"### {title}\n\n{text}"


def mark(name: str, row: measure.Row) -> str:
  """Returns in words whether a method passes the published SSIM."""
  passes = row.bpp <= RATE and row.ssim >= SSIM
  return (
    f"{name}: SSIM {row.ssim:.4f} at {row.bpp:.4f} bpp "
    f"{'passes' if passes else 'does not pass'} the published {SSIM} at {RATE} "
    "bpp (of other pictures)."
  )


def beside(name: str, row: measure.Row, base: str, other: measure.Row) -> str:
  """Returns in words how a method compares with another, its base."""
  return (
    f"{name} beside {base} at {row.bytes:.1f} and {other.bytes:.1f} bytes: "
    f"LPIPS {row.lpips / other.lpips:.2f} times, PIM "
    f"{row.pim / other.pim:.2f} times, Fréchet "
    f"{row.frechet / other.frechet:.2f} times, Fréchet in PIM's features "
    f"{row.pim_frechet / other.pim_frechet:.2f} times, PSNR "
    f"{row.psnr - other.psnr:+.2f} dB."
  )
