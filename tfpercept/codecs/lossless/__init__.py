"""Pictures kept without loss in a `.tfp`, without TensorFlow or a model."""
