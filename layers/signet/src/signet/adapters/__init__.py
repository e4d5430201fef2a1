"""The world: AWS, the network, the clock, randomness."""
