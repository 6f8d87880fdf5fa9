"""The board interface, with what a board without that part does."""


class Board:
    """What the firmware asks of the hardware. Times are ms; nothing here knows a date."""

    model = "unknown"
    has_button = False

    # A folder in flash for what is measured while the hub is away for long; None = minutes are not kept.
    minutes_folder = None

    # A list of (meter, relay), one an outlet. relay(on: bool) switches. A meter has `bidirectional` (does it tell
    # export?) and read() -> (mV, uA, mW), each None when not measured; power is positive for consumption.
    outlets = ()

    def ticks_ms(self) -> int:
        """A counter of ms that may wrap at 2**30 or any multiple of it."""
        raise NotImplementedError

    def random_bytes(self, count: int) -> bytes:
        """Truly random: a run's name is made of it."""
        raise NotImplementedError

    def reset_reason(self) -> str:
        """power_on, brownout, watchdog, software, reset or sleep."""
        return "power_on"

    def rtc_read(self) -> bytes:
        """What rtc_write wrote; b"" or anything else after a power cut."""
        return b""

    def rtc_write(self, data: bytes) -> None:
        """Keep in memory that survives every reset but a power cut; once a second, so never flash."""

    def load(self, name: str):
        """A small file from flash as bytes, or None."""

    def save(self, name: str, data: bytes) -> None:
        """A small file to flash; seldom. May raise OSError."""

    def erase(self, name: str) -> None:
        """Take that file out of flash, if it is there."""

    def aes(self, key: bytes):
        """A function that encrypts blocks of 16 bytes with AES-256, each by itself."""
        try:
            import cryptolib
        except ImportError:
            from .openssl import block_cipher

            return block_cipher(key)
        return cryptolib.aes(key, 1).encrypt

    def tls(self, ca: bytes):
        """An ssl context that trusts this CA (DER) alone. Its certificates are those of one hub: the name in them says
        nothing more."""
        import ssl

        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        if hasattr(context, "check_hostname"):
            context.check_hostname = False
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(cadata=ca)
        return context

    async def network(self) -> None:
        """Returns when there is a network. Raises OSError when there is none."""

    def rssi(self):
        """Signal strength in dBm, or None."""

    def led(self, on: bool) -> None:
        """The status LED."""

    def button(self) -> bool:
        """Is the button pressed? Asked every 50 ms if has_button. Held for ten seconds it makes the plug unpaired."""
        return False

    def feed_watchdog(self) -> None:
        """Called after every reading."""

    def calibrate(self, channel: int, quantity, value) -> bool:
        """Make the meter show `value` (V, A or W as quantity "voltage", "current" or "power" says) for what it
        reads now. False when it cannot, or when the values make no sense."""
        return False

    def reset(self) -> None:
        """Restart; returns only where that takes a moment."""

    def log(self, text: str) -> None:
        """A line for whoever watches the console."""
        print(text)


class Settings:
    """Where the hub is and who this plug is."""

    def __init__(self, hardware_id: str, secret: str, host: str, port: int = 1883) -> None:
        self.hardware_id = hardware_id
        self.secret = secret
        self.host = host
        self.port = port
        self.code = None  # on the label: a plug without a secret is paired by it
        self.hub = None  # the hub's id, where it is known beforehand
        self.tls = None  # an ssl context for MQTTS
        self.ring_samples = 1800
        self.interval_ms = 1000
        self.minutes_bytes = 131_072  # of flash that minutes may take
        self.minute_ms = 60_000
        self.minutes_after_ms = 300_000  # without an ack: then minutes are written
        self.minutes_write_ms = 300_000  # between two writes
        self.keepalive_s = 30
        self.answer_ms = 20_000  # the broker's acknowledgements
        self.replay_wait_ms = 30_000  # up to this long after a reconnect, at random: a thousand plugs come back at once
        self.backoff_max_ms = 60_000
        self.pair_ms = 5000  # between two attempts of an unpaired plug, and between its messages
        self.reset_hold_ms = 10_000  # the button, held this long, makes it unpaired

    def broker(self) -> tuple:
        """(host, port, secret, tls): asked before every connection."""
        return self.host, self.port, self.secret, self.tls
