"""Small ICC profiles, made of their numbers, and their mathematics."""

import struct

import numpy as np

from tfpercept.io import icc_matrix

_D50 = (0.9642, 1.0, 0.8249)
_D65 = (0.3127, 0.3290)
_BRADFORD = np.array([
  [0.8951, 0.2664, -0.1614],
  [-0.7502, 1.7135, 0.0367],
  [0.0389, -0.0685, 1.0296],
])  # fmt: skip


def _adapted(*primaries):
  """Returns XYZ of red, green and blue as columns, adapted to D50."""
  xyz = np.array([_xyz_of(*xy) for xy in primaries]).T
  white = np.array(_xyz_of(*_D65))
  scale = (_BRADFORD @ _D50) / (_BRADFORD @ white)
  to_d50 = np.linalg.inv(_BRADFORD) @ np.diag(scale) @ _BRADFORD
  return to_d50 @ (xyz * np.linalg.solve(xyz, white))


def _xyz_of(x, y):
  return x / y, 1.0, (1 - x - y) / y


SRGB_XYZ = _adapted((0.64, 0.33), (0.30, 0.60), (0.15, 0.06))
P3_XYZ = _adapted((0.68, 0.32), (0.265, 0.69), (0.15, 0.06))


def matrix(columns, curve):
  """Returns a profile of a screen with one curve for all channels."""
  tags = {b"wtpt": _xyz(_D50)}
  for name, column in zip(b"rgb", np.transpose(columns), strict=True):
    tags[bytes([name]) + b"XYZ"] = _xyz(column)
    tags[bytes([name]) + b"TRC"] = curve
  return _profile(b"mntr", b"RGB ", b"XYZ ", tags)


def display_p3():
  return matrix(P3_XYZ, srgb_curve())


def gray(curve):
  tags = {b"wtpt": _xyz(_D50), b"kTRC": curve}
  return _profile(b"mntr", b"GRAY", b"XYZ ", tags)


def inks():
  """Returns a profile of CMYK that makes Lab (50, 0, 0) of all inks."""
  middle = (128, 128, 128)  # of 255: L* = 50.2 and a*, b* = 0
  identity = bytes(range(256))
  table = (
    b"mft1\0\0\0\0"
    + bytes([4, 3, 2, 0])
    + struct.pack(">9i", *np.eye(3, dtype=int).ravel() * 65536)
    + identity * 4
    + bytes(middle) * 16
    + identity * 3
  )
  tags = {b"wtpt": _xyz(_D50), b"A2B0": table, b"A2B1": table}
  return _profile(b"prtr", b"CMYK", b"Lab ", tags)


def srgb_curve():
  numbers = (2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045)
  fixed = (round(number * 65536) for number in numbers)
  return b"para\0\0\0\0" + struct.pack(">HH5i", 3, 0, *fixed)


def gamma(power):
  return b"curv\0\0\0\0" + struct.pack(">IH", 1, round(power * 256))


def sampled(count):
  values = np.rint(decoded(np.linspace(0, 1, count)) * 65535).astype(">u2")
  return b"curv\0\0\0\0" + struct.pack(">I", count) + values.tobytes()


def decoded(values):
  """Returns the linear light of sRGB values, IEC 61966-2-1."""
  return np.where(
    values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4
  )


def to_srgb(linear, columns, *, is_clipped=True):
  """Returns sRGB of linear light of a screen."""
  mixed = linear @ (np.linalg.inv(SRGB_XYZ) @ columns).T
  return icc_matrix.encoded(np.clip(mixed, 0, 1) if is_clipped else mixed)


def p3_to_srgb(values, *, is_clipped=True):
  return to_srgb(decoded(values), P3_XYZ, is_clipped=is_clipped)


def p3_to_srgb_by_d65(values):
  """As `p3_to_srgb`, by the matrices of CSS Color 4, section 10."""
  p3 = np.array([
    [608311 / 1250200, 189793 / 714400, 198249 / 1000160],
    [35783 / 156275, 247089 / 357200, 198249 / 2500400],
    [0, 32229 / 714400, 5220557 / 5000800],
  ])  # fmt: skip
  srgb = np.array([
    [12831 / 3959, -329 / 214, -1974 / 3959],
    [-851781 / 878810, 1648619 / 878810, 36519 / 878810],
    [705 / 12673, -2585 / 12673, 705 / 667],
  ])  # fmt: skip
  return icc_matrix.encoded(np.clip(srgb @ p3 @ decoded(values), 0, 1))


def _xyz(values):
  fixed = (round(float(value) * 65536) for value in values)
  return b"XYZ \0\0\0\0" + struct.pack(">3i", *fixed)


def _profile(kind, space, connection, tags):
  tags = {b"desc": _text(b"test"), b"cprt": _plain(b"none"), **tags}
  offset = 128 + 4 + 12 * len(tags)
  table, data = struct.pack(">I", len(tags)), b""
  for name, body in tags.items():
    body += b"\0" * (-len(body) % 4)
    table += struct.pack(">4sII", name, offset + len(data), len(body))
    data += body
  head = struct.pack(">I", offset + len(data)) + b"lcms\2\x40\0\0" + kind
  head += space + connection + struct.pack(">6H", 2026, 1, 1, 0, 0, 0)
  head += b"acsp" + b"\0" * 28
  head += struct.pack(">3i", *(round(v * 65536) for v in _D50))
  return head.ljust(128, b"\0") + table + data


def _text(text):
  body = b"desc\0\0\0\0" + struct.pack(">I", len(text) + 1) + text + b"\0"
  return body + b"\0" * 78


def _plain(text):
  return b"text\0\0\0\0" + text + b"\0"
