"""Reading the site again while the gateway runs: all of it or nothing."""
