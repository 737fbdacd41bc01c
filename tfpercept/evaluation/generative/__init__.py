"""How good reconstructions and samples of generative models are."""
