"""The only way out: outbox, registry, planner, dispatcher, channels."""
