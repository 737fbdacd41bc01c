"""`python -m tfpercept.cli`, where the console script is not installed."""

import sys

from tfpercept import cli

if __name__ == "__main__":
  sys.exit(cli.main())
