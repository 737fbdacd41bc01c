"""Codecs of small pictures beside a generator's latent as the file."""
