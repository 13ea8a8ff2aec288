"""From the graph to loop nests over buffers; ``nest`` says what these are, ``lowering`` makes them."""
