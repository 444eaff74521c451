"""The web application of the reviewer."""
