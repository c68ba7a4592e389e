"""The platforms' interfaces as the product calls them, one module each; `sandbox.app` mounts them.

WeCom's will be `wecom.py` here, with its own endpoints in the same table form.
"""
