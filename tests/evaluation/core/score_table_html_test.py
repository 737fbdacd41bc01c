"""Tables of scores as HTML."""

import math

from tfpercept.evaluation.core import score_table, score_table_html


def test_failures_are_listed_below_a_table():
  text = score_table_html.tables(
    score_table.Table(("psnr",), (), {"a/<b>": "broken & gone"})
  )
  assert "<li>a/&lt;b&gt;: broken &amp; gone</li>" in text


def test_infinite_scores_are_printed():
  row = score_table.Row("a", "p", "net", {"psnr": math.inf})
  assert "<td>inf</td>" in score_table_html.tables(
    score_table.Table(("psnr",), (row,))
  )
