"""How well classes are told apart by the codes of an autoencoder."""
