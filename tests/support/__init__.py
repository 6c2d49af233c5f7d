"""What tests and benchmarks share: tiny runs, planted faults, hostile files, servers that fail."""
