"""Builds the one part in C; all else about the package is in setup.cfg.

Where there is no compiler, or it fails, the package installs without that part
and its range coder is slower. Python without the lock of the interpreter has no
limited API, and gets no part in C.
"""

import sysconfig

import setuptools

has_limited_api = not sysconfig.get_config_var("Py_GIL_DISABLED")
compiled = setuptools.Extension(
  "tfpercept.codecs.bitstream._range_coder",
  ["tfpercept/codecs/bitstream/_range_coder.c"],
  define_macros=[("Py_LIMITED_API", "0x030A0000")],
  py_limited_api=True,
  optional=True,
)
# One file for Python 3.10 and all later ones, and one wheel with it.
setuptools.setup(
  ext_modules=[compiled] if has_limited_api else [],
  options={"bdist_wheel": {"py_limited_api": "cp310"}}
  if has_limited_api
  else {},
)
