"""Specs are parsed, never evaluated; mistakes are answered with remedies."""

import numpy as np
import pytest

from tfpercept import registry


def test_a_sum_of_weighted_names_with_options_is_parsed():
  terms = registry.parse_spec("0.84*ms_ssim(scales=3, weights=(1, .5)) + mae*2")
  assert terms == (
    registry.Term("ms_ssim", {"scales": 3, "weights": (1, 0.5)}, 0.84),
    registry.Term("mae", {}, 2.0),
  )


@pytest.mark.parametrize(
  "spec", ["mse", "a(b=-1, c='x', d=None, e=(1, 2))", "0.5*a + 0.25*b(c=True)"]
)
def test_formatting_is_the_inverse_of_parsing(spec):
  assert registry.format_spec(registry.parse_spec(spec)) == spec


@pytest.mark.parametrize(
  ("spec", "message"),
  [
    ("", "a spec is a string"),
    (None, "a spec is a string"),
    ("mse +", "malformed spec"),
    ("m\0se", "malformed spec"),
    ("m\ud800se", "malformed spec"),
    ("(" * 500, "malformed spec"),
    ("a" * 20_000, "at most 10000 characters"),
    ("a - b", "sum of weighted ones; got 'a - b'"),
    ("-1*a", "positive number.*got '-1'"),
    ("0*a", "positive number"),
    ("1e999*a", "positive number"),
    ("1e31*a", r"of 1e-30 to 1e\+30; got '1e\+31'"),
    ("a*1e-31", "got '1e-31' in"),
    ("9" * 400 + "*a", "positive number"),
    ("True*a", "positive number"),
    ("x*a", "weighted ones; got 'x \\* a'|positive number"),
    ("2", "got '2'"),
    ("a(3)", "options are given by name"),
    ("a(**b)", "options are given by name"),
    ("a.b", "got 'a.b'"),
    ("a(b=1, b=2)", "option 'b' is given twice"),
    ("a(b=1e999)", "option 'b' must be finite"),
    ("a(b=(1, -1e999))", "option 'b' must be finite"),
    ("a(b=c)", "option 'b' must be a literal"),
    ("a(b=__import__('os').getcwd())", "option 'b' must be a literal"),
    ("a(b=[x for x in y])", "option 'b' must be a literal"),
  ],
)
def test_anything_else_is_refused_with_a_reason(spec, message):
  with pytest.raises(ValueError, match=message):
    registry.parse_spec(spec)


@pytest.fixture
def colors() -> registry.Registry:
  made = registry.Registry("color", reserved=("dtype",))

  @made.register("crimson")
  def crimson(*, depth=1, dtype=None):
    return ("crimson", depth, dtype)

  return made


def test_factories_are_called_with_options_and_reserved_arguments(colors):
  assert colors.create("crimson", {"depth": 2}, dtype="x") == (
    "crimson",
    2,
    "x",
  )
  assert colors.names() == ("crimson",) and "crimson" in colors


@pytest.mark.parametrize(
  ("name", "options", "message"),
  [
    ("crimsom", {}, "unknown color 'crimsom'. Did you mean 'crimson'"),
    ("zzz", {}, "unknown color 'zzz'. Registered: crimson"),
    ("crimson", {"dept": 1}, "no option 'dept'. Did you mean 'depth'"),
    ("crimson", {"dtype": 1}, "no option 'dtype'.* Its options: depth"),
  ],
)
def test_mistakes_are_answered_with_what_would_work(
  colors, name, options, message
):
  with pytest.raises(ValueError, match=message):
    colors.create(name, options)


class Tracked:
  """Keeps what its instances are made with, as Keras does of layers."""

  def __new__(cls, *args, **kwargs):
    made = super().__new__(cls)
    made.given = (args, kwargs)
    return made


class Paint(Tracked):
  def __init__(self, *, depth=1, dtype=None, **kwargs):
    self.depth = depth


class Varnish(Paint):
  """Python 3.10 and 3.11.2 see the `__new__` of `Tracked`, 3.11.7 does not."""


class Oil:
  def __init__(self, *, depth=1, dtype=None, **kwargs):
    self.depth = depth


class OilPaint(Tracked, Oil):
  """Every Python sees the `__new__` of `Tracked` before the `__init__`."""


class Point(tuple):
  __slots__ = ()

  def __new__(cls, *, depth=1):
    return super().__new__(cls, (depth,))


@pytest.mark.parametrize("made", [Paint, Varnish, OilPaint, Point])
def test_options_of_a_class_are_those_of_the_init_that_it_runs(colors, made):
  colors.register("made")(made)
  assert colors.options("made") == {"depth": 1}
  kept = colors.create("made", {"depth": 2})
  assert (kept[0] if made is Point else kept.depth) == 2
  with pytest.raises(ValueError, match="no option 'dept'"):
    colors.create("made", {"dept": 2})


def test_a_name_is_taken_once(colors):
  with pytest.raises(ValueError, match="registered already"):
    colors.register("crimson")(lambda: None)


def test_numpy_numbers_become_literals_that_parse_again():
  term = registry.Term("ssim", {"k1": np.float64(0.02), "w": (np.int32(3),)})
  assert str(term) == "ssim(k1=0.02, w=(3,))"
  assert registry.parse_spec(str(term)) == (
    registry.Term("ssim", {"k1": 0.02, "w": (3,)}),
  )


def test_file_names_of_specs_have_a_length_that_disks_take():
  specs = [f"lpips(weights='{c * 400}')" for c in "ab"]
  specs.append(specs[0] + "+ mse")
  names = registry.file_names(specs).values()
  assert len(set(names)) == 3
  assert max(map(len, names)) < 220


def test_file_names_of_specs_differ():
  specs = [f"robust(alpha={a})" for a in ("-2.0", "2.0", "'2.0'")]
  assert registry.file_names(specs) == {
    specs[0]: "robust_alpha_-2.0",
    specs[1]: "robust_alpha_2.0",
    specs[2]: "robust_alpha_2.0_2",
  }
