"""How trainers and exporters start, and fail with one clear line."""
