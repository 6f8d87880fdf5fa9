"""AES on CPython, where MicroPython's cryptolib is missing. CPython only."""

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes


def block_cipher(key: bytes):
    """A function that encrypts blocks of 16 bytes, each by itself."""
    return Cipher(algorithms.AES(key), modes.ECB()).encryptor().update  # noqa: S305 - a building block of CTR
