"""The digital trial's cohort: what the paper printed, and simulated patients that give it."""
