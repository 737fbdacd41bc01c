"""Published figures of generative networks, to be printed beside ours.

Source: Czolbe, Krause, Cox, Igel, "A loss function for generative neural
networks based on Watson's perceptual model", 2020. The paper shows pictures and
has no figures of them.
"""

CELEBA_SHARPNESS = {
  "Watson-DFT": 0.653,
  "SSIM": 0.282,
  "Adaptive": 0.342,
  "LPIPS-VGG": 0.546,
  "LPIPS-SqueezeNet": 0.691,
}
"""Sharpness of the samples that the authors released, by the loss.

Measured as `sharpness.sharpness` does, in grey, on the 24 samples of each sheet
`src/vae/celebA/comparison/celebA_samples_*.png` of
SteffenCzolbe/PerceptualSimilarity at 3729dd1, beside the 40 pictures of
`celebA_examples.png`.
"""
