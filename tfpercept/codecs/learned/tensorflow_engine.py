"""The transforms of the learned codec by its network in TensorFlow."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import tensorflow as tf

from tfpercept import models
from tfpercept.codecs.learned import engines, layout, refinement
from tfpercept.io import files
from tfpercept.models.compression import transform_codec


class TensorFlowEngine(engines.Engine):
  """The engine that runs any network of a model folder."""

  keeps_memory = True  # by TensorFlow's allocator

  def __init__(
    self,
    model: files.PathLike,
    manifest: Mapping[str, Any],
    laid: layout.Layout,
  ):
    self._model = model
    self._network, self._manifest = models.load(model, dtype="float32")
    _require(self._network, laid, model, manifest)
    self.halo = self._network.halo
    self.analysis_halo = self._network.entropy_model.analysis_halo
    self._analysis, self._hyper_analysis, self._synthesis = (
      tf.function(function, reduce_retracing=True)
      for function in (
        self._network.analysis,
        self._network.hyper_latents,
        self._network.reconstruct,
      )
    )

  def analysis(self, x: np.ndarray, quality: float) -> np.ndarray:
    return _called(self._analysis, x, quality)

  def hyper_analysis(self, y: np.ndarray, quality: float) -> np.ndarray:
    return _called(self._hyper_analysis, y, quality)

  def synthesis(self, y_hat: np.ndarray, quality: float) -> np.ndarray:
    return _called(self._synthesis, y_hat, quality)

  def refinement(self, rounds: int) -> engines.Refinement:
    if not self._network.entropy_model.can_refine:
      raise ValueError(
        "effort chooses symbols of scale and mean-scale hyperpriors; "
        f"{self._model} holds a {self._manifest['model']}. Leave it at 0."
      )
    return refinement.of_model(self._network, self._manifest, rounds=rounds)


create = TensorFlowEngine


def _called(function: Any, x: np.ndarray, quality: float) -> np.ndarray:
  return function(
    tf.constant(x), tf.constant([quality], tf.float32)
  ).numpy()  # fmt: skip


def _require(
  network: Any,
  laid: layout.Layout,
  model: files.PathLike,
  manifest: Mapping[str, Any],
) -> None:
  """Raises ValueError unless a network is the one that arrays are of."""
  if not isinstance(network, transform_codec.TransformCodec):
    known = ", ".join(transform_codec.names())
    raise ValueError(f"{model} holds a {manifest['model']}, not one of {known}")
  entropy = network.entropy_model
  found = (
    entropy.codec,
    entropy.latents,
    entropy.hyper_latents,
    network.levels,
    tuple(entropy.slices),
  )
  wanted = (
    laid.codec, laid.latents, laid.hyper_latents, laid.levels, laid.slices
  )  # fmt: skip
  if found != wanted:
    raise ValueError(
      f"the network of {model} codes {found}, and its arrays {wanted}. Copy "
      "the whole model folder again; if an earlier version wrote it, give the "
      "command of its training again"
    )
