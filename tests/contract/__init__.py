"""`make schemathesis`: the OpenAPI document against a whole engine, by requests that nobody has thought of."""
