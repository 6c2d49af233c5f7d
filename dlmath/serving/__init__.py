"""Serve a classifier to browsers and programs: a page and an HTTP API on one server."""
