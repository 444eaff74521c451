"""The HTML report, its figures and overlays.

`sumdiam.report.page.write_report` is the door; `RunTables` and `RunFacts` say what it needs.
"""
