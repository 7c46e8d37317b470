"""Who does it: twelve agents, their onboarding documents and prompts, and the recordings."""
