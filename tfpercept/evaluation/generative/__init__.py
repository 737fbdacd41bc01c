"""Quality of the reconstructions and samples of generative models."""
