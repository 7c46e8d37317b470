"""GitHub: a client with our retry rules, and the verbs we use on one repository."""
