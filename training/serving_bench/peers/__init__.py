"""What other people would serve the same encoder with, written as their own guides show it."""
