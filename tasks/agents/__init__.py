"""The two ports through which anyone thinks, and the adapters beside them."""
