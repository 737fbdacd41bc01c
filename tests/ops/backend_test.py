"""A wrong backend of Keras is said when the package is imported."""

import re
import subprocess
import sys

import keras
import pytest

from tfpercept.ops import backend

SENTENCE = "needs Keras on TensorFlow, but here Keras runs on jax: set"


def test_another_backend_is_refused_with_the_remedy(monkeypatch):
  backend.require_tensorflow()
  monkeypatch.setattr(keras.backend, "backend", lambda: "jax")
  with pytest.raises(ImportError, match=SENTENCE):
    backend.require_tensorflow()


def test_the_import_says_so():
  program = (
    "import keras; keras.backend.backend = lambda: 'jax'; import tfpercept"
  )
  done = subprocess.run(
    [sys.executable, "-c", program], capture_output=True, text=True
  )
  assert re.search("ImportError: tfpercept " + SENTENCE, done.stderr)
