"""Options that are fields of settings."""

import argparse
import dataclasses

import pytest

from tfpercept import settings
from tfpercept.cli import options


@dataclasses.dataclass(frozen=True)
class Settings(settings.Settings):
  steps: int = settings.option(5, "of it (default: %(default)s)")
  rate: float = settings.option(0.5, "of it")
  name: str = settings.option("it", "of it", choices=("it", "that"))
  is_loud: bool = False


def parsed(*arguments):
  parser = argparse.ArgumentParser()
  options.add(parser, Settings)
  parser.add_argument("--loud", action="store_true")
  return parser, parser.parse_args(arguments)


def test_settings_are_read_as_they_are_given_or_as_they_come():
  _, given = parsed("--rate=2", "--loud")
  read = options.read(Settings, given, is_loud=given.loud)
  assert read == Settings(rate=2.0, is_loud=True)
  assert isinstance(read.rate, float)


def test_help_says_the_default():
  assert "of it (default: 5)" in parsed()[0].format_help()


def test_what_is_no_choice_is_refused(capsys):
  with pytest.raises(SystemExit):
    parsed("--name=other")
  assert "choose from 'it', 'that'" in capsys.readouterr().err


def test_what_is_no_number_is_refused(capsys):
  with pytest.raises(SystemExit):
    parsed("--steps=2.5")
  assert "--steps: invalid int value: '2.5'" in capsys.readouterr().err
