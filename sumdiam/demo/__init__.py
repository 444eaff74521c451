"""The digital trial: simulated subjects with known answers."""
