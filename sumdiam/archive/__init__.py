"""Archives to a catalogue of series."""
