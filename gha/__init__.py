"""What runs inside GitHub Actions: the workflow pack, and what it and Shipline say to each other."""
