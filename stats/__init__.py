"""Numbers to estimates: proportions, comparisons, survival; knows nothing of tumours."""
