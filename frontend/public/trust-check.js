// Registered and removed again to learn whether this browser trusts the hub's certificate: it loads no worker otherwise.
