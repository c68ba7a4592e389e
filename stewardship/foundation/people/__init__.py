"""Persons, contacts and their trust, WeChat identities, sessions, actors."""
