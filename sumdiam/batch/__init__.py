"""Plan, one study, and the run over all of them."""
