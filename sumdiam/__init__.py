"""sumdiam: tumour response from CT and MRI archives."""

__version__ = "0.1.0.dev0"
