"""Documents cannot show a command that fails."""

import pytest

from tools import run_docs

PAGE = """\
# Title

```sh
echo one
```

<!-- not run: it takes a week -->
```sh
false
```

- item

  ```python
  print("two")
  ```

```text
one
```
"""


def test_blocks_carry_their_language_line_and_reason():
  assert list(run_docs.blocks(PAGE)) == [
    run_docs.Block(3, "sh", "echo one"),
    run_docs.Block(8, "sh", "false", "it takes a week"),
    run_docs.Block(14, "python", 'print("two")'),
    run_docs.Block(18, "text", "one"),
  ]


def test_a_page_whose_commands_succeed_passes(tmp_path, capfd):
  page = tmp_path / "page.md"
  page.write_text(PAGE)
  assert run_docs.run(page)
  assert "it takes a week" in capfd.readouterr().out


@pytest.mark.parametrize(
  "block", ["```sh\nfalse | true\n```", "```python\nraise SystemExit(3)\n```"]
)
def test_a_page_with_a_failing_command_fails(tmp_path, block):
  page = tmp_path / "page.md"
  page.write_text(block)
  assert not run_docs.run(page)


def test_a_block_without_a_language_is_refused():
  with pytest.raises(ValueError, match="line 1: a block names its language"):
    list(run_docs.blocks("```\nls\n```"))
