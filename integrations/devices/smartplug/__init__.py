"""Driver of the hub's own plug firmware and of every plug that keeps the device contract."""
