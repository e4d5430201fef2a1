"""What a login costs: its calls to AWS, counted on the real handlers, at AWS's list prices."""
