"""Probes: how well an autoencoder's codes tell classes and angles apart."""
