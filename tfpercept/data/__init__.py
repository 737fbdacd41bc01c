"""Pictures to train and test on, and how they are cropped and degraded."""
