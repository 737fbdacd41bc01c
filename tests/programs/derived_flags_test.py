"""Flags that are the fields of settings."""

import dataclasses

import pytest
from absl import flags

from programs import derived_flags
from tfpercept import settings


def _doubled(text):
  return 2 * float(text)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Layers(settings.Settings):
  widths: tuple[int, ...] = settings.option((4, 2), "Of layers.")
  bias: bool = settings.option(False, "Whether there is one.")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Training(settings.Settings):
  data: tuple[str, ...] = settings.option(
    settings.REQUIRED, "Folders.", repeated=True
  )
  source: tuple[str, ...] | None = settings.option(
    None, "Sources.", choices=("a", "b"), repeated=True
  )
  rates: tuple[float, ...] = settings.option((1.0, 0.25), "Factors.")
  share: float = settings.option(0.5, "Of all.", least=0.0, most=1.0)
  steps: int | None = settings.option(None, "Of Adam.", least=1)
  channels: int = settings.option(1, "Grey or colour.", choices=(1, 3))
  kind: str = settings.option("thin", "Of it.", choices=("thin", "thick"))
  name: str | None = settings.option(None, "Of it.")
  color: str = settings.option("grey", "Of it.", formerly="colour")
  beta: float = settings.option(1.0, "Of it.", parse=_doubled)
  initial: str | None = settings.option(None, absent=None)
  model: Layers = dataclasses.field(default_factory=Layers)


@pytest.fixture
def parsed(apart_flags):
  """Parses arguments with the flags of `Training`, and of nothing else."""
  made = derived_flags.Flags(Training)

  def parse(*arguments):
    apart_flags(["program", *arguments])
    return made

  parse.values = apart_flags
  return parse


@pytest.mark.parametrize("name", ["color", "colour"])
def test_the_flag_of_an_earlier_name_works_as_well(parsed, name):
  made = parsed("--data=x", f"--{name}=red")
  assert made.read().color == "red"
  assert "color" in made.given()


def test_what_is_not_given_is_as_it_comes(parsed):
  found = parsed("--data=x").read()
  assert found == Training(data=("x",), beta=2.0)
  assert parsed.values["rates"].default_as_str == "'1,0.25'"
  assert "initial" not in parsed.values


def test_what_is_given_has_the_type_of_its_field(parsed):
  flags_of = parsed(
    "--data=x", "--data=y", "--source=b", "--rates=2,3", "--share=0.25",
    "--steps=7", "--channels=3", "--kind=thick", "--name=n", "--beta=4",
    "--widths=8,9,10", "--bias",
  )  # fmt: skip
  found = flags_of.read(initial="abc")
  assert found == Training(
    data=("x", "y"),
    source=("b",),
    rates=(2.0, 3.0),
    share=0.25,
    steps=7,
    channels=3,
    kind="thick",
    name="n",
    beta=8.0,
    initial="abc",
    model=Layers(widths=(8, 9, 10), bias=True),
  )
  assert isinstance(found.rates[0], float)
  assert isinstance(found.channels, int)


def test_a_field_can_be_told_in_place_of_its_flag(parsed):
  found = parsed("--data=x", "--widths=3").read(share=1.0, model=Layers())
  assert found.share == 1.0
  assert found.model == Layers()


def test_flags_on_the_command_line_are_known(parsed):
  assert sorted(parsed("--data=x", "--nobias").given()) == ["bias", "data"]


def test_a_list_that_holds_no_numbers_is_refused(parsed):
  with pytest.raises(ValueError, match="--widths takes whole numbers; got 'a'"):
    parsed("--data=x", "--widths=3,a").read()


@pytest.mark.parametrize(
  "given",
  [(), ("--data=x", "--share=2"), ("--data=x", "--kind=x"),
   ("--data=x", "--steps=0"), ("--data=x", "--channels=2")],
)  # fmt: skip
def test_what_a_field_does_not_take_ends_where_flags_are_parsed(parsed, given):
  with pytest.raises(flags.Error):
    parsed(*given)
