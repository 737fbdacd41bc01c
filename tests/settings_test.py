"""Settings say what they are and may hold, and come back from JSON."""

import dataclasses
import json

import pytest

from tfpercept import settings


@dataclasses.dataclass(frozen=True, kw_only=True)
class Layers(settings.Settings):
  widths: tuple[int, ...] = settings.option((4, 2), "Of layers.", least=1)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Training(settings.Settings):
  data: tuple[str, ...] = settings.option(settings.REQUIRED, "Folders.")
  share: float = settings.option(0.5, "Of all.", least=0.0, most=1.0)
  rate: float | None = settings.option(None, "Of Adam.", above=0.0)
  channels: int = settings.option(1, "Grey or colour.", choices=(1, 3))
  ends: tuple[float, ...] | None = settings.option(None, "Of a range.")
  initial: str | None = settings.option(None, absent=None)
  is_loud: bool = False
  color: str = settings.option("grey", "Of all.", formerly="colour")
  model: Layers = dataclasses.field(default_factory=Layers)
  more: dict[str, object] = dataclasses.field(default_factory=dict)

  def check(self):
    if self.share - 0.25 == 0:  # which text has not
      raise ValueError("share is no quarter")


def test_settings_come_back_from_json():
  one = Training(
    data=("a", "b"),
    share=1,
    ends=(0.5, 2.0),
    initial="abc",
    model=Layers(widths=(3,)),
    more={"sizes": (1, 2)},
  )
  kept = json.loads(json.dumps(one.to_json()))
  assert kept == one.to_json()
  assert list(kept)[-1] == "initial"  # which may be absent
  assert kept["colour"] == "grey" and "color" not in kept
  assert kept["model"] == {"widths": [3]}
  assert kept["more"] == {"sizes": [1, 2]}
  again = Training.read(kept)
  assert again == dataclasses.replace(one, more={"sizes": [1, 2]})
  assert again.data == ("a", "b")


def test_a_field_may_have_had_another_name_and_may_be_absent():
  @dataclasses.dataclass(frozen=True, kw_only=True)
  class Renamed(settings.Settings):
    color: str = settings.option(
      "grey", "Of all.", formerly="colour", absent="grey"
    )

  assert Renamed().to_json() == {} and Renamed.read({}) == Renamed()
  kept = Renamed(color="red").to_json()
  assert kept == {"colour": "red"}
  assert Renamed.read(kept).color == "red"


def test_what_is_absent_is_not_written_and_may_be_missing():
  one = Training(data=())
  assert "initial" not in one.to_json()
  assert one.to_json()["ends"] is None
  assert Training.absent() == {"initial": None}
  assert Training.read(one.to_json()) == one
  assert Training.read({**one.to_json(), "initial": None}) == one


def test_what_is_missing_is_named_and_what_is_unknown_left_alone():
  kept = Training(data=()).to_json()
  assert Training.read({**kept, "focus": 3}) == Training(data=())
  del kept["share"], kept["data"]
  with pytest.raises(ValueError, match="settings lack data, share: another"):
    Training.read(kept)


@pytest.mark.parametrize(
  ("values", "message"),
  [
    ({"share": -0.1}, "share is at least 0.0; got -0.1"),
    ({"share": 1.5}, "share is at most 1.0; got 1.5"),
    ({"rate": 0.0}, "rate is above 0; got 0.0"),
    ({"rate": float("nan")}, "rate is above 0; got nan"),
    ({"share": "0.25"}, "share takes numbers; got '0.25'"),
    ({"share": float("nan")}, "share is at least 0.0; got nan"),
    ({"share": 0.25}, "share is no quarter"),
    ({"channels": 2}, "channels is one of 1, 3; got 2"),
    ({"channels": 1.0}, "channels takes whole numbers; got 1.0"),
    ({"channels": True}, "channels takes whole numbers; got True"),
    ({"data": "a"}, "data takes several values; got 'a'"),
    ({"data": 3}, "data takes several values; got 3"),
    ({"data": (3,)}, "data takes text; got 3"),
    ({"share": "x"}, "share takes numbers; got 'x'"),
    ({"share": True}, "share takes numbers; got True"),
    ({"ends": (0.5, None)}, "ends takes numbers; got None"),
    ({"share": None}, "share takes numbers; got None"),
    ({"data": None}, "data takes several values; got None"),
    ({"initial": 3}, "initial takes text; got 3"),
    ({"is_loud": 1}, "is_loud takes true or false; got 1"),
  ],
)
def test_a_value_that_a_field_does_not_take_is_refused(values, message):
  with pytest.raises(ValueError, match=message):
    Training(**{"data": (), **values})


def test_values_of_parts_are_looked_at_one_by_one():
  with pytest.raises(ValueError, match="widths is at least 1; got 0"):
    Layers(widths=(3, 0))
  with pytest.raises(ValueError, match="model holds settings; got 3"):
    Training.read({**Training(data=()).to_json(), "model": 3})
  with pytest.raises(ValueError, match="widths is at least 1; got 0"):
    Training.read({**Training(data=()).to_json(), "model": {"widths": [0]}})


def test_fields_are_told_in_order():
  found = settings.options(Training)
  assert [one.name for one in found] == [
    "data", "share", "rate", "channels", "ends", "initial", "is_loud",
    "color", "model", "more",
  ]  # fmt: skip
  data, share, rate, _, ends, initial, _, _, model, more = found
  assert data.default is settings.REQUIRED
  assert data.is_many and data.item is str
  assert (share.item, share.least, share.most) == (float, 0.0, 1.0)
  assert (rate.item, rate.least, rate.above) == (float, None, 0.0)
  assert ends.is_many and ends.item is float  # None is another matter
  assert not initial.text and not more.text  # nobody is asked for them
  assert model.is_part and not more.is_part


@dataclasses.dataclass(frozen=True, kw_only=True)
class Halved(Training):
  share: float = settings.again(Training, "share", 0.75)


def test_a_field_may_have_another_default_and_keeps_its_bounds():
  first, again = (
    next(one for one in settings.options(kind) if one.name == "share")
    for kind in (Training, Halved)
  )
  assert again == dataclasses.replace(first, default=0.75)
  assert Halved(data=()).share == 0.75
  with pytest.raises(ValueError, match="share"):
    Halved(data=(), share=1.5)
