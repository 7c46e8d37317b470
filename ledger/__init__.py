"""What is true and remembered: models, rules (pure functions), the Mongo store, effects, shared queries."""
