"""Who may talk to us over HTTP: REST, webhooks, live events."""
