"""Every performance figure that the README states, and the peers it is measured against. Run with script/bench."""
