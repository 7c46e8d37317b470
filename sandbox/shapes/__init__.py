"""How things look in GitHub's answers: one function a kind, no I/O but the store's."""
