"""Shared technique below every feature: clock, crypto, database, jobs, logs, Valkey, problem details."""
