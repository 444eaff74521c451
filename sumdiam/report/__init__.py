"""The HTML report, its figures and overlays.

`write_report` is the door; `RunTables` and `RunFacts` say what it needs.
"""
