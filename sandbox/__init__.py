"""The local WeChat and SMS platform: what the product talks to where there is no Tencent. See README.md.

It stands alone: it imports nothing of the product, so that the product cannot lean on anything but the platforms'
published interfaces.
"""
