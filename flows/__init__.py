"""What happens, in order: one file a stage; ``deliver.py`` is the whole story."""
