"""What the pages show: pure functions from the ledger's models to plain values. No Streamlit and no I/O in here."""
