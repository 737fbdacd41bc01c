"""Which model wrote a file, among those that are here."""

from collections.abc import Sequence

from tfpercept import manifests, offers, weights
from tfpercept.codecs import base
from tfpercept.codecs.bitstream import container
from tfpercept.codecs.learned import heads, model_ids
from tfpercept.codecs.lossless import lossless_codec
from tfpercept.io import files


def shipped() -> tuple[str, ...]:
  """Returns the names of the models in the package that code pictures."""
  return tuple(
    name for name in weights.shipped() if model_ids.codes(manifests.read(name))
  )


class KnownModels:
  """Reads the files of every model that comes with the package or is given.

  Models that others have replaced under their name come with it, too.

  It also reads lossless files, which no model wrote. What a file says of its
  model is compared with theirs, and serves for nothing else. A model is loaded
  when it is first needed.

  Args:
    given: Run folders, model folders or names.
    engine: Name of the engine of the transforms, one of `offers.ENGINES`.
    realism: Strength of the realism heads in pictures, 0 to 1.
    given_heads: Folders of realism heads, which go before those of the package.

  Raises:
    ValueError: if one of them holds no model that codes pictures, or no head.
  """

  def __init__(
    self,
    given: Sequence[files.PathLike] = (),
    *,
    engine: str = offers.ENGINES[0],
    realism: float = 0.0,
    given_heads: Sequence[files.PathLike] = (),
  ):
    heads.check_strength(realism)
    for head in given_heads:
      heads.read(head)  # which may be none
    self._engine, self._realism = engine, realism
    self._heads = tuple(given_heads)
    self._names: dict[tuple[int, bytes], str] = {}
    self._codecs: dict[str, base.Codec] = {}
    for model in given:
      manifest = manifests.read(model)
      if not model_ids.codes(manifest):
        raise ValueError(
          f"{model} holds a {manifest['model']} that codes no pictures; give a "
          "folder that trainers.compression wrote"
        )
      self._add(model, manifest)
    for model in (*weights.shipped(), *weights.retired()):
      manifest = manifests.read(model)
      if model_ids.codes(manifest):
        self._add(model, manifest)

  def _add(self, model: files.PathLike, manifest: dict) -> None:
    key = model_ids.number(manifest), model_ids.identity(manifest)
    self._names.setdefault(key, str(model))

  def name(self, header: container.Header) -> str | None:
    """Returns the name or the folder of the model that a header is of."""
    for (number, identity), name in self._names.items():
      if header.codec == number and identity.startswith(header.model):
        return name
    return None

  def codec_of(self, data: bytes) -> base.Codec:
    """Returns the codec that reads a file.

    Raises:
      WrongModel: if the file is whole, but no model that is here wrote it.
      CorruptStream: if it is anything else than whole.
      ValueError: if its model is damaged, or has no realism head and realism
        is above 0.
    """
    found = container.read_header(data)
    if found.damage:
      raise container.CorruptStream(found.damage)
    if found.header.is_lossless:
      return lossless_codec.Lossless()
    name = self.name(found.header)
    if name is None:
      known = ", ".join(self._names.values()) or "none"
      raise container.WrongModel(
        f"model {found.header.model.hex()} of codec {found.header.codec} wrote "
        f"the file, and is not among those that are here: {known}. Give its "
        "folder."
      )
    if name not in self._codecs:
      from tfpercept.codecs.learned import learned_codec  # not for `info`

      head = ""
      if self._realism:
        identity = model_ids.identity(manifests.read(name))
        head = str(heads.find(identity, name, self._heads))
      self._codecs[name] = learned_codec.Hyperprior(
        model=name, engine=self._engine, realism=self._realism, head=head
      )
    return self._codecs[name]
