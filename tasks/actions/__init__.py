"""Steps in GitHub Actions: asked for here, carried out there, and what came of them taken in once."""
