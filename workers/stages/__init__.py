"""The steps an order takes on its way out: route, build, submit."""
