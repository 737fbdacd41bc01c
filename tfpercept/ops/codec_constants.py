"""Numbers that codec networks and the codecs of their files share.

They are part of the bitstream. Networks, which need TensorFlow, and codecs,
which do not, both take them from here.
"""

STRIDE = 16
"""Pixels of a picture per latent, along each side."""
HYPER_STRIDE = 4
"""Latents per hyper-latent, along each side."""
HALO = 2
"""Latents beyond its own that a pixel of a synthesis without blocks sees, and
so many times 16 pixels a latent of an analysis; each block adds one."""
ANALYSIS_HALO = 8
"""Latents that a hyper-latent sees beyond its own 4: 4 above and 7 below, in
whole hyper-latents."""
SYNTHESIS_HALO = 2
"""Hyper-latents that what is hidden sees beyond its own: two transposed
convolutions of 5x5 and stride 2."""
SYMBOL_LIMIT = 127
"""Largest magnitude of a quantized hyper-latent."""
CONTEXT_LIMIT = 15
"""Symbols of larger magnitude count as this where others follow from them."""
ACTIVATION_LIMIT = 127
"""Largest hidden value of integer layers; hidden values are not negative."""
MEAN_BITS = 6
"""Means are multiples of 2^-6 of a latent's deviation."""
EXACT = 2**24
"""Below this, sums of integers in float32 are exact."""
SCALES = 64
"""Number of scales that latents are coded with."""
PRECISION = 16
"""Bits of the range coder's probabilities."""
LINEAR_UNIT = 2.0**-4
"""Unit of the last kernel of the linear path of a synthesis. A step of an
optimizer changes all weights alike, and in this unit those of the inverse
transform are of about the size of the others."""
SLOPE = 0.2
"""Slope of the leaky ReLU below 0."""
PEDESTAL = 2.0**-18
"""Added to the squares whose roots GDN keeps; keeps their slope from 0."""
LEAST_BETA = 1e-6
"""Least addend of a GDN."""
