"""Tables of scores as blocks of report pages."""

from tfpercept.evaluation.core import score_table
from tfpercept.reports import markup


def tables(table: score_table.Table) -> str:
  """Returns tables of scores, one a group, the largest means in bold."""
  blocks = [_group_table(table, group) for group in table.groups]
  if table.failures:
    items = "".join(
      f"<li>{markup.escape(name)}: {markup.escape(why)}</li>"
      for name, why in table.failures.items()
    )
    blocks.append(f"<p>Not scored:</p>\n<ul>{items}</ul>")
  return "\n".join(blocks)


def _group_table(table: score_table.Table, group: str) -> str:
  columns = [(m, s) for m in table.methods for s in table.specs]
  best = {
    s: max(table.mean(m, s, group) for m in table.methods) for s in table.specs
  }
  heads = "".join(
    f'<th scope="colgroup" colspan="{len(table.specs)}">{markup.escape(m)}</th>'
    for m in table.methods
  )
  specs = "".join(
    f'<th scope="col">{markup.escape(s)}</th>' for _, s in columns
  )
  rows = [
    (picture, [table.scores(group, picture, m)[s] for m, s in columns])
    for picture in table.pictures(group)
  ]
  body = "\n".join(
    f'<tr><th scope="row">{markup.escape(picture)}</th>'
    + "".join(
      f"<td>{score_table.number(s, v)}</td>"
      for (_, s), v in zip(columns, values, strict=True)
    )
    + "</tr>"
    for picture, values in rows
  )
  means = [(s, table.mean(m, s, group)) for m, s in columns]
  foot = "".join(
    f"<td>{markup.bold(score_table.number(s, v), v == best[s])}</td>"
    for s, v in means
  )
  return (
    f'<div class="scroll"><table>\n<caption>{markup.escape(group)}</caption>\n'
    f"<thead><tr><td></td>{heads}</tr>\n<tr><td></td>{specs}</tr></thead>\n"
    f"<tbody>\n{body}\n</tbody>\n"
    f'<tfoot><tr><th scope="row">mean</th>{foot}</tr></tfoot>\n</table></div>'
  )
