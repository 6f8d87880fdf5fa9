"""ntfy: messages on a phone through https://ntfy.sh or a server of one's own."""
