"""The roles of a person in a case, sides, protection, proxies."""
