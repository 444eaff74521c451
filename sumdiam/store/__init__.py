"""The workspace database: ledger, versions, decisions, audit."""
