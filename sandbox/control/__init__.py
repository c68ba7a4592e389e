"""The control API under `/control`: people, consoles, faults and assertions. For tests, the story and the page.

README.md shows every call by example; `/control/openapi.json` describes every field.
"""
