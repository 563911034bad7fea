"""What the store says of the city and of the model: digests for management, drift for analysts."""
