"""The contract of a task, and the one training step of all tasks.

A task is a network with what it is trained for. A subclass of `Task` states
three things: the parts that are saved, which optimizer moves which variables,
and the loss of a batch. The step itself is the same for all and is written
here: tape, mean over replicas, clipping, guard against bad numbers, update.
"""

import abc
import dataclasses
import functools
import itertools
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

import keras
import tensorflow as tf

from tfpercept.tasks import replicas

Optimizers: TypeAlias = (
  keras.optimizers.Optimizer | Mapping[str, keras.optimizers.Optimizer]
)
Pair: TypeAlias = tuple[tf.Tensor, tf.Tensor]
"""A batch of two tensors."""


@dataclasses.dataclass(frozen=True)
class Move:
  """The part of one optimizer in a step.

  Attributes:
    variables: The trainable variables that the optimizer moves.
    loss: The name of the term that it lowers.
    clip: The norm, above 0, that its gradients are cut to, all together; None
      leaves them as they are.
    when: A function of the step, int32 of any shape, that returns a bool of
      that shape: whether the optimizer moves its variables in that step. None
      stands for every step.
  """

  variables: Sequence[tf.Variable]
  loss: str = "loss"
  clip: float | None = None
  when: Callable[[tf.Tensor], tf.Tensor] | None = None

  def __post_init__(self) -> None:
    if self.clip is not None and not self.clip > 0:
      raise ValueError(f"clip is a norm above 0, or None; got {self.clip}")

  def count(self, stop: int, *, start: int = 0) -> int:
    """Returns in how many steps the optimizer moves its variables.

    Keras counts these alone, so a learning rate is a function of them.

    Args:
      stop: Number of the step, counted from 0, before which counting ends.
      start: Number of the step, counted from 0, that counting begins at.
    """
    if self.when is None or start >= stop:
      return max(stop - start, 0)
    has_turn = self.when(tf.range(start, stop, dtype=tf.int32))
    return int(tf.math.count_nonzero(has_turn))


class Task(keras.Model, abc.ABC):
  """A network and what it is trained for.

  A subclass makes its variables in `__init__`, keeps them as attributes, and
  defines `parts`, `terms` and, unless one optimizer lowers `loss`, `moves`.
  `training.fit` compiles the task, saves its `state()` and calls `train_step`.

  A step never acts on a bad number. Where a term or a norm of gradients is NaN
  or infinite, no optimizer moves, and weights, optimizer slots and averages
  stay as they were; the logs tell the number. `training.fit` then stops, or
  goes on with the next batch where the task is compiled with `skip`. Only where
  XLA compiles the step (`jit_compile`) and nothing may be skipped, the guard
  acts behind the update: the run stops, and its checkpoints are untouched.

  Args:
    name: The name of the Keras model.
    seed: The seed of what a step draws at random.
  """

  def __init__(self, name: str, *, seed: int = 0):
    super().__init__(name=name, dtype="float32", autocast=False)
    self._seed = seed
    self._skip, self._is_guarded = 0, True
    self.step = _counter("step")
    self.skipped = _counter("skipped")
    # Logs are the same on all replicas; by default Keras adds them up.
    self.distribute_reduction_method = "first"

  @abc.abstractmethod
  def parts(self) -> dict[str, Any]:
    """Returns what changes in training, by the names that checkpoints use.

    Returns:
      Layers, modules or lists of variables. A name stays as it is once there
      are checkpoints with it.
    """

  @abc.abstractmethod
  def terms(
    self, batch: Any, *, seed: tf.Tensor, step: tf.Tensor
  ) -> dict[str, tf.Tensor]:
    """Returns the loss of a batch, and what else is logged of it.

    Args:
      batch: An element of the data set.
      seed: Int32 `[2]`, another one in each step and on each replica. All that
        is drawn at random follows from it, so that a step can be taken again.
      step: Scalar int32, the number of steps before this one.

    Returns:
      Scalars by name, each a mean over the batch. `loss` is among them.
    """

  def moves(self) -> dict[str, Move]:
    """Returns which optimizer moves what, by the names of the optimizers.

    Each trainable variable of the parts is in one move. Moves without `when`
    happen at once, on gradients of the same forward pass.
    """
    variables = itertools.chain(*_trainable(self.parts()).values())
    return {"optimizer": Move(list(variables))}

  def after_update(self, terms: dict[str, tf.Tensor], step: tf.Tensor) -> None:
    """Changes what no optimizer moves, such as averages of the weights.

    Args:
      terms: Result of `terms`, averaged over replicas.
      step: Step that `terms` got.
    """
    del terms, step  # most tasks have nothing else to change

  def compile(
    self, optimizer: Optimizers, *, skip: int = 0, **options: Any
  ) -> None:
    """Takes the optimizers, builds their slots, and counts steps from 0.

    Args:
      optimizer: One for the one move, or one for each move by its name.
      skip: The number of steps in all that may be passed over because of bad
        numbers.
      **options: Further arguments of Keras' `compile`.

    Raises:
      ValueError: if a variable has no optimizer or two, or is not saved; if
        the optimizers are not those of the moves.
    """
    moves = self.moves()
    _require_one_mover_each(self.parts(), moves)
    optimizer = _matched(optimizer, moves)
    super().compile(optimizer=optimizer, **options)
    self._skip = skip
    self.step.assign(0)
    self.skipped.assign(0)
    # XLA fuses gradients and update, and rounds differently where a branch
    # parts them. Without `skip`, where the guard may as well come last, such
    # runs keep the very weights that they had before there was a guard.
    self._is_guarded = bool(skip) or not options.get("jit_compile")
    for name, each in self.optimizers.items():
      each.build(moves[name].variables)

  @property
  def optimizers(self) -> dict[str, keras.optimizers.Optimizer]:
    """The compiled optimizers by the names of their moves."""
    if isinstance(self.optimizer, Mapping):
      return dict(self.optimizer)
    return dict.fromkeys(self.moves(), self.optimizer)

  @property
  def skip(self) -> int:
    """The number of steps that may be passed over because of bad numbers."""
    return self._skip

  def state(self) -> dict[str, Any]:
    """Returns all that a resumed training needs, for a checkpoint."""
    own = {"optimizer": self.optimizer, "step": self.step}
    if self._skip:
      own["skipped"] = self.skipped
    return {**self.parts(), **own}

  def train_step(self, data: Any) -> dict[str, tf.Tensor]:
    """Takes a step with a batch; returns its terms and norms of gradients.

    Norms are those before clipping: `gradient_norm`, or
    `gradient_norm_<move>` where there are several moves.
    """
    moves = self.moves()
    step = tf.cast(self.step, tf.int32)
    terms, gradients = replicas.mean(self._gradients(data, moves, step))
    logs = dict(terms)
    for name, move in moves.items():
      suffix = f"_{name}" if len(moves) > 1 else ""
      gradients[name], logs[f"gradient_norm{suffix}"] = _clipped(
        gradients[name], move.clip
      )
    is_finite = tf.reduce_all([tf.math.is_finite(v) for v in logs.values()])
    may_update = is_finite if self._is_guarded else True
    for name, move in moves.items():
      apply = functools.partial(self._apply, name, move)
      has_turn = True if move.when is None else move.when(step)
      replicas.run_if([may_update, has_turn], apply, gradients[name])
    replicas.run_if([may_update], self.after_update, terms, step)
    self.skipped.assign_add(tf.cast(tf.logical_not(is_finite), tf.int64))
    self.step.assign_add(1)
    return logs

  def _gradients(
    self, data: Any, moves: Mapping[str, Move], step: tf.Tensor
  ) -> tuple[dict[str, tf.Tensor], dict[str, list[tf.Tensor]]]:
    """Returns the terms of a batch, and for each move the gradients."""
    seed = tf.stack([self._seed + replicas.seed_offset(), step])
    with tf.GradientTape(persistent=len(moves) > 1) as tape:
      terms = self.terms(data, seed=seed, step=step)
    lacking = {"loss", *(move.loss for move in moves.values())} - terms.keys()
    if lacking:
      raise ValueError(
        f"the terms of {self.name} lack {', '.join(sorted(lacking))}; they are "
        f"{', '.join(terms)}"
      )

    def of(move: Move) -> list[tf.Tensor]:
      if move.when is None:
        return tape.gradient(terms[move.loss], move.variables)
      # The pass backwards is left out in steps that make no use of it.
      return tf.cond(
        move.when(step),
        lambda: tape.gradient(
          terms[move.loss], move.variables, unconnected_gradients="zero"
        ),
        lambda: [tf.zeros_like(variable) for variable in move.variables],
      )

    return terms, {name: of(move) for name, move in moves.items()}

  def _apply(self, name: str, move: Move, gradients: list[tf.Tensor]) -> None:
    self.optimizers[name].apply_gradients(
      zip(gradients, move.variables, strict=True),
      skip_gradients_aggregation=True,  # they are means over replicas already
    )


def _counter(name: str) -> tf.Variable:
  return tf.Variable(
    0,
    dtype=tf.int64,
    trainable=False,
    # Replicas count alike, so that any of them may write.
    aggregation=tf.VariableAggregation.ONLY_FIRST_REPLICA,
    name=name,
  )


def _clipped(
  gradients: list[tf.Tensor], norm: float | None
) -> tuple[list[tf.Tensor], tf.Tensor]:
  """Returns gradients cut to a norm, and the norm that they had."""
  if norm is None:
    return gradients, tf.linalg.global_norm(gradients)
  return tf.clip_by_global_norm(gradients, norm)


def _trainable(parts: Mapping[str, Any]) -> dict[str, list[tf.Variable]]:
  """Returns the trainable variables of each part."""
  return {
    name: part.trainable_variables
    if isinstance(part, tf.Module)  # as all layers are
    else [variable for variable in part if variable.trainable]
    for name, part in parts.items()
  }


def _require_one_mover_each(
  parts: Mapping[str, Any], moves: Mapping[str, Move]
) -> None:
  """Raises ValueError unless each trainable variable is in one move."""
  names = {
    id(variable): f"{variable.name} of {part}"
    for part, variables in _trainable(parts).items()
    for variable in variables
  }
  mover: dict[int, str] = {}
  for move, key in ((m, id(v)) for m in moves for v in moves[m].variables):
    if key not in names:
      raise ValueError(
        f"{move} moves a variable that is no trainable one of the parts "
        f"({', '.join(parts)}); it would not be saved"
      )
    if key in mover:
      raise ValueError(
        f"{names[key]} is moved by two optimizers, {mover[key]} and {move}; "
        "leave it to one"
      )
    mover[key] = move
  left = [name for key, name in names.items() if key not in mover]
  if left:
    raise ValueError(
      f"no optimizer moves {', '.join(left)}; add a move, or set `trainable = "
      "False` on the layer"
    )


def _matched(optimizer: Optimizers, moves: Mapping[str, Move]) -> Optimizers:
  """Returns an optimizer for the one move, or one for each by its name."""
  if not isinstance(optimizer, Mapping):
    if len(moves) == 1:
      return optimizer
    raise ValueError(
      f"there are {len(moves)} moves; give an optimizer for each by its name: "
      f"{', '.join(moves)}"
    )
  if optimizer.keys() != moves.keys():
    raise ValueError(
      f"optimizers are for {', '.join(moves)}; got {', '.join(optimizer)}"
    )
  if len({id(each) for each in optimizer.values()}) < len(moves):
    raise ValueError("two moves got the same optimizer; make one for each")
  return dict(optimizer) if len(moves) > 1 else next(iter(optimizer.values()))
