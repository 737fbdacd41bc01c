"""Start of the programs beside the package, and their errors.

Importing this package silences TensorFlow's own lines, as the command
`tfpercept` does. A setting of the user stays. TensorFlow reads its variable
when it is imported, so each package of programs imports this one first.
"""

import logging
import os

# `cli` has the same lines. They cannot be shared, since an import of anything
# of `tfpercept` imports TensorFlow in a program.
USERS_LEVEL = os.environ.get("TF_CPP_MIN_LOG_LEVEL")
"""The setting of the user, None if there is none."""
if os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3") == "3":
  # Its lines in Python, such as those on retracing, heed no variable. Child
  # processes, which find it set, come by here, too.
  logging.getLogger("tensorflow").setLevel(logging.ERROR)
