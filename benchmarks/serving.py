r"""Prints what gathering requests into batches gains on a Triton server.

    python -m benchmarks.serving --exports=exported --model=photo_mse \
        --signature=compress --set=quality=4

One server has the same export twice: with batches of up to 16 requests, and
without. 32 clients send pictures of 256 x 256 pixels to one and then to the
other, in turns, so that both see the same machine. It needs
`pip install "tfpercept[triton]"`.
"""

import concurrent.futures
import pathlib
import statistics
import tempfile
import time
from collections.abc import Sequence

import numpy as np
import tensorflow as tf
from absl import flags

from programs import program
from serving import ask, exported, model_repository, triton_server
from tfpercept.data import packaged

CLIENTS = 32
SIDE = 256


def pictures(count: int) -> list[bytes]:
  """Returns PNG files of parts of photographs."""
  photos = list(packaged.test().values())
  noise = np.random.default_rng(0)
  found = []
  for number in range(count):
    photo = photos[number % len(photos)]
    y, x = (noise.integers(side - SIDE) for side in photo.shape[:2])
    crop = photo[y : y + SIDE, x : x + SIDE]
    found.append(tf.io.encode_png(crop).numpy())
  return found


def throughput(
  client: ask.Client, model: str, requests: Sequence[dict[str, np.ndarray]]
) -> float:
  """Returns how many requests of many clients are answered in a second."""
  with concurrent.futures.ThreadPoolExecutor(CLIENTS) as pool:
    start = time.perf_counter()
    list(pool.map(lambda inputs: client.ask(model, inputs), requests))
    return len(requests) / (time.perf_counter() - start)


def main() -> None:
  """Measures and prints one line."""
  given = flags.FLAGS
  exports = model_repository.versions(pathlib.Path(given.exports))
  version = exports[given.model][-1]
  requests = [
    {"image_bytes": np.array([[file]], np.object_)}
    for file in pictures(given.requests)
  ]
  for item in given.set:
    name, _, number = item.partition("=")
    for inputs in requests:
      inputs[name] = np.array([[float(number)]], np.float32)
  if given.signature == "decompress":
    codec = exported.Exported(version)
    for inputs in requests:
      given_to = {name: value[0] for name, value in inputs.items()}
      (stream,) = codec.answer("compress", given_to)["stream_bytes"]
      inputs.clear()
      inputs["stream_bytes"] = np.array([[stream]], np.object_)
  with tempfile.TemporaryDirectory() as place:
    repository = pathlib.Path(place) / "models"
    repository.mkdir()
    models = {}
    for name, largest in (("batched", 16), ("alone", 0)):
      (models[name],) = model_repository.add(
        name,
        version,
        repository,
        wanted=[given.signature],
        batching=model_repository.Batching(largest, given.delay),
      )
    at = triton_server.Listening(http=given.port, grpc=given.port + 1)
    with (
      open(pathlib.Path(place) / "log", "wb") as log,
      triton_server.TritonServer(repository, at, log=log),
    ):
      client = ask.Client(f"{at.address}:{at.grpc}")
      for model in models.values():  # shapes are traced once
        throughput(client, model, requests[:CLIENTS])
      found: dict[str, list[float]] = {name: [] for name in models}
      for _ in range(given.rounds):
        for name, model in models.items():
          found[name].append(throughput(client, model, requests))
      client.close()
  ratios = [
    b / a for b, a in zip(found["batched"], found["alone"], strict=True)
  ]
  print(
    f"{given.model} {given.signature}, {SIDE} x {SIDE}, {CLIENTS} clients,"
    f" {given.rounds} rounds of {given.requests}: batched"
    f" {statistics.median(found['batched']):.1f} requests/s, alone"
    f" {statistics.median(found['alone']):.1f}, ratio"
    f" {statistics.median(ratios):.2f} [{min(ratios):.2f}, {max(ratios):.2f}]"
  )


if __name__ == "__main__":
  flags.DEFINE_string("exports", None, "Folder of exports.", required=True)
  flags.DEFINE_string("model", None, "Name of the export.", required=True)
  flags.DEFINE_string("signature", "png", "Signature from files to files.")
  flags.DEFINE_multi_string("set", [], "Input that is a number, NAME=NUMBER.")
  flags.DEFINE_integer("requests", 128, "Requests in a round.", 1)
  flags.DEFINE_integer("rounds", 5, "Rounds.", 1)
  flags.DEFINE_integer("delay", 2000, "Longest wait of a batch, microseconds.")
  flags.DEFINE_integer("port", 8700, "First of two ports on the loopback.")
  program.start(main)
