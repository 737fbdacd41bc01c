"""A report says on which kind of machine it was made."""

import re

from tfpercept.evaluation.core import machine


def test_the_machine_is_described_without_its_name_or_a_path():
  text = " ".join(machine.facts().values())
  assert re.search(r", \d+ cores, \d+ GPUs", text)
  assert "/" not in text
