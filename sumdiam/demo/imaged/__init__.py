"""The simulated trial as images: from the lengths of its tables to DICOM, and back by a run."""
