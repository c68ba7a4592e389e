"""Submitted material (材料): encrypted, bounded, scanned."""
