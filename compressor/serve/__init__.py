"""Bundles over HTTP: a bounded queue for each, limits on what is taken on, metrics, an end that loses nothing."""
