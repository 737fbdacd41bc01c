"""How well distances agree with the opinions of people."""
