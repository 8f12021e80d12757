"""What `kring bench` measures: time, memory and quality of matching on made-up pools, beside other methods."""
