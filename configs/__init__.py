"""YAML that says what can be said without code: vocabularies, training, benchmarks."""
