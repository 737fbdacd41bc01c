"""A codec of CompressAI as a command, for `one_shot`.

    python -m benchmarks.torch_one_shot prepare FOLDER PICTURE BPP
    python -m benchmarks.torch_one_shot encode FOLDER PICTURE FILE
    python -m benchmarks.torch_one_shot decode FOLDER FILE PICTURE

It runs in an interpreter with CompressAI. The network has the widths that
CompressAI publishes for low and middle rates. Its weights are random, since the
trained ones are a download: `prepare` scales the latents until files have the
wanted rate, and the pictures that come back show nothing. Time does not depend
on that. `encode` and `decode` read the weights from the folder, as a command
with trained ones would.
"""

import io
import pathlib
import sys

import numpy as np
import torch
from PIL import Image

from benchmarks import torchvision_skeleton

WIDTHS, LATENTS = 128, 192
PEER = "mbt2018-mean"


def main(task: str, folder: str, *rest: str) -> None:
  torch.set_num_threads(1)
  torchvision_skeleton.install()
  from benchmarks import torch_codec

  config = {"widths": [WIDTHS], "latents": LATENTS}
  codec = torch_codec.Codec(PEER, config, is_published=True)
  weights = pathlib.Path(folder) / "weights.pt"
  if task == "prepare":
    picture, bpp = rest
    # Energy falls from channel to channel, as after training.
    deviations = 2.0 ** -np.linspace(0, 6, LATENTS)
    found = codec.fit(_read(picture), float(bpp), deviations)
    torch.save(codec.network.state_dict(), weights)
    print(f"{found:.3f} bpp")
    return
  kept = torch.load(weights, weights_only=True)
  codec.network.load_state_dict(kept)
  if task == "encode":
    picture, file = rest
    pathlib.Path(file).write_bytes(_packed(codec.compress(_read(picture))))
  else:
    file, picture = rest
    made = _unpacked(pathlib.Path(file).read_bytes())
    Image.fromarray(codec.decompress(made)).save(picture)


def _read(path: str) -> np.ndarray:
  return np.array(Image.open(path).convert("RGB"))


def _packed(made: dict) -> bytes:
  """Returns two strings and the size of the hyper-latents as bytes."""
  out = io.BytesIO()
  (y,), (z,) = made["strings"]
  out.write(np.array([*made["shape"], len(y)], "<u4").tobytes())
  out.write(y)
  out.write(z)
  return out.getvalue()


def _unpacked(data: bytes) -> dict:
  height, width, size = (int(n) for n in np.frombuffer(data[:12], "<u4"))
  y, z = data[12 : 12 + size], data[12 + size :]
  return {"strings": [[y], [z]], "shape": (height, width)}


if __name__ == "__main__":
  main(*sys.argv[1:])
