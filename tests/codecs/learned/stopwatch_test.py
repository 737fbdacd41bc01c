"""Seconds of the parts of a call belong to that call, also under threads."""

import concurrent.futures
import threading
import time

import numpy as np
import pytest

from tests.codecs import small_models
from tfpercept.codecs.learned import learned_codec, stopwatch


def test_laps_add_up_by_name(monkeypatch):
  now = iter([0.0, 1.0, 3.0, 7.0])
  monkeypatch.setattr(time, "perf_counter", lambda: next(now))
  watch = stopwatch.Stopwatch()
  for name in ("a", "b", "a"):
    watch.lap(name)
  assert watch.seconds == {"a": 5.0, "b": 2.0}


_FOREVER = 3600  # seconds


@pytest.fixture(scope="module")
def codec(tmp_path_factory, photograph):
  folder = tmp_path_factory.mktemp("codec") / "model"
  return learned_codec.Hyperprior(
    model=str(small_models.save(folder, photograph(64, 64)))
  )


def test_threads_that_share_a_codec_do_not_share_seconds(
  codec, photograph, monkeypatch
):
  """One waits within its analysis until the other has come and gone."""
  large, small = photograph(128, 128), photograph(32, 32)
  begun, gone = threading.Event(), threading.Event()
  engine = codec._engine
  analysis = engine.analysis

  def waiting(x, quality):
    if x.shape[1] > 64:
      begun.set()
      assert gone.wait(_FOREVER)
    return analysis(x, quality)

  monkeypatch.setattr(engine, "analysis", waiting)
  before = dict(vars(codec))
  with concurrent.futures.ThreadPoolExecutor(2) as pool:
    slow = pool.submit(codec.timed_compress, large)
    assert begun.wait(_FOREVER)
    data, quick = pool.submit(codec.timed_compress, small).result()
    time.sleep(0.5)
    gone.set()
    slow_data, seconds = slow.result()
  assert set(quick) == set(seconds) == {"analysis", "hyper", "coder"}
  assert seconds["analysis"] >= quick["analysis"] + 0.5
  assert vars(codec) == before  # nothing of a call stays behind
  assert data == codec.compress(small)
  monkeypatch.undo()
  assert slow_data == codec.compress(large)


def test_a_picture_comes_with_the_seconds_of_its_decoding(codec, photograph):
  data = codec.compress(photograph(40, 40))
  picture, seconds = codec.timed_decompress(data)
  np.testing.assert_array_equal(picture, codec.decompress(data))
  assert set(seconds) == {"coder", "hyper", "synthesis"}
  assert min(seconds.values()) >= 0
