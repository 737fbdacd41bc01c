"""Which model wrote a file, among those that are here."""

from collections.abc import Sequence

from tfpercept import manifests, offers, weights
from tfpercept.codecs import base
from tfpercept.codecs.bitstream import container
from tfpercept.codecs.learned import heads, model_ids
from tfpercept.codecs.lossless import lossless_codec
from tfpercept.io import files

ROUND = 50
"""Steps of a search that a round of `effort` stands for."""


def shipped() -> tuple[str, ...]:
  """Returns the names of the models in the package that code any picture.

  Generators are left out, since each is for pictures of one kind.
  """
  found = {name: manifests.read(name) for name in weights.shipped()}
  return tuple(
    name
    for name, manifest in found.items()
    if model_ids.codes(manifest)
    and model_ids.bitstream(manifest) != "inversion"
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
    given_heads: Folders of realism heads, in place of those of the package.

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
      ValueError: if its model is damaged, or no realism head, of those given if
        any are, is for it and realism is above 0.
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
      self._codecs[name] = opened(
        name,
        engine=self._engine,
        realism=self._realism,
        given_heads=self._heads,
      )
    return self._codecs[name]


def opened(
  model: files.PathLike,
  *,
  effort: int = 0,
  seconds: float | None = None,
  engine: str = offers.ENGINES[0],
  realism: float = 0.0,
  given_heads: Sequence[files.PathLike] = (),
) -> base.Codec:
  """Returns the codec of a model, whichever bitstream it writes.

  Args:
    model: Run folder, model folder or name.
    effort: Number of rounds that fit the symbols to each picture; each is
      `ROUND` steps of a search for the latent of a generator.
    seconds: Most seconds of a search for the latent of a generator by the
      clock; None for any number.
    engine: Name of the engine of the transforms, one of `offers.ENGINES`.
    realism: Strength of the realism head in pictures, 0 to 1.
    given_heads: Folders of realism heads, in place of those of the package.

  Raises:
    ValueError: if there is no such model or head, or an option is not for it.
  """
  # Both are imported late, since `info` needs none.
  from tfpercept.codecs.inversion import inversion_codec
  from tfpercept.codecs.learned import learned_codec

  manifest = manifests.read(model)
  if not inversion_codec.is_generator(manifest):
    if seconds is not None:
      raise ValueError(
        f"--seconds ends a search for a generator's latent; {model} is no "
        "generator. Leave it out; --effort is in rounds"
      )
    head = ""
    if realism:
      identity = model_ids.identity(manifest)
      head = str(heads.find(identity, str(model), tuple(given_heads)))
    return learned_codec.Hyperprior(
      model=str(model), effort=effort, engine=engine, realism=realism,
      head=head,
    )  # fmt: skip
  if realism:
    raise ValueError(
      f"{model} is a generator, which has no realism head; leave --realism at 0"
    )
  if engine not in (offers.ENGINES[0], "tensorflow"):
    raise ValueError(
      f"{model} is a generator, which TensorFlow runs; leave --engine at "
      f"{offers.ENGINES[0]}"
    )
  return _generator(model, effort=effort, seconds=seconds)


def _generator(
  model: files.PathLike, *, effort: int, seconds: float | None
) -> base.Codec:
  """Returns the codec of a generator, as `opened` does."""
  from tfpercept.codecs.inversion import inversion_codec

  steps = ROUND * effort if effort else None
  codec = inversion_codec.Inversion(
    model=str(model), steps=steps, seconds=seconds
  )
  if seconds is not None and not codec.searches:
    raise ValueError(
      f"--seconds ends a search, and {model} has an encoder, which needs none; "
      "give --effort, too"
    )
  return codec
