"""/docs: the OpenAPI document in Swagger UI, served whole from here."""
