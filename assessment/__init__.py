"""From the lesion table to response, best response and events."""
