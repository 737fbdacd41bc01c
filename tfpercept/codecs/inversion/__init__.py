"""The codec whose files hold the latent of a generator."""
