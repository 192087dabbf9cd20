"""What stands before both HTTP servers, the API and the local node: who may ask, how much, and for how long."""
