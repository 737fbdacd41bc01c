"""Games of critics: known divergences at the best critic, bounds, names."""

import numpy as np
import pytest
import tensorflow as tf

from tfpercept.ops import adversarial

P = np.array([0.5, 0.3, 0.15, 0.05])
Q = np.array([0.2, 0.2, 0.3, 0.3])


def kl(p, q):
  return float(np.sum(p * np.log(p / q)))


MIX = (P + Q) / 2
KNOWN = {
  "non_saturating": (kl(P, MIX) + kl(Q, MIX)) / 2,
  "jensen_shannon": (kl(P, MIX) + kl(Q, MIX)) / 2,
  "hinge": 0.5 * np.abs(P - Q).sum(),
  "kl": kl(P, Q),
  "reverse_kl": kl(Q, P),
  "pearson": float(np.sum((P - Q) ** 2 / Q)),
}
U = P / Q
BEST = {  # the logit of the best critic, v with g_f(v) = f'(u)
  "non_saturating": np.log(U),
  "jensen_shannon": np.log(U),
  "hinge": np.sign(U - 1),
  "kl": 1 + np.log(U),
  "reverse_kl": np.log(U),
  "pearson": 2 * (U - 1),
}


def expected(game, logits):
  """The divergence with expectations over P and Q in place of means."""
  logits = tf.constant(logits)
  objective = np.sum(P * game.a(logits)) - np.sum(Q * game.b(logits))
  return game.offset + game.factor * objective


@pytest.mark.parametrize("name", adversarial.ADVERSARIAL)
def test_the_best_critic_measures_the_divergence(name):
  found = expected(adversarial.get(name), BEST[name])
  np.testing.assert_allclose(found, KNOWN[name], rtol=1e-12)


@pytest.mark.parametrize("name", adversarial.ADVERSARIAL)
def test_any_other_critic_stays_below(name):
  random = np.random.default_rng(0)
  for scale in (0.01, 0.3, 2.0):
    logits = BEST[name] + scale * random.normal(size=4)
    assert expected(adversarial.get(name), logits) < KNOWN[name]


@pytest.mark.parametrize("name", adversarial.ADVERSARIAL)
def test_a_boundary_divides_what_is_likelier_real(name):
  boundary = adversarial.get(name).boundary
  np.testing.assert_array_equal(np.array(BEST[name]) > boundary, U > 1)


@pytest.mark.parametrize("name", adversarial.ADVERSARIAL)
def test_a_generator_is_drawn_to_what_the_critic_takes_for_real(name):
  game = adversarial.get(name)
  logits = tf.Variable([-1.0, 0.0, 2.0])
  with tf.GradientTape() as tape:
    loss = game.generator_loss(logits)
  assert np.all(tape.gradient(loss, logits) < 0)


def test_loss_and_estimate_are_of_means():
  game = adversarial.get("pearson")
  real, fake = tf.constant([1.0, 3.0]), tf.constant([-2.0])
  # a: 2; b: 1 - 2 = -1.
  np.testing.assert_allclose(game.critic_loss(real, fake), -3.0)
  np.testing.assert_allclose(game.divergence(real, fake), 3.0)
  found = game.accuracy(tf.constant([1.0, -3.0]), fake)
  np.testing.assert_allclose(found, [0.5, 1.0])


def test_an_unknown_name_is_told_the_known_ones():
  with pytest.raises(ValueError, match="non_saturating, hinge, kl"):
    adversarial.get("wasserstein")
