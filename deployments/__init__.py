"""Where Shipline itself runs: Prefect deployments and the local stack."""
