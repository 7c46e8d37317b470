"""What is not as it was left: found, mended where that is safe, and told to a person where it is not."""
