"""Programs: ordinary Python functions that are captured as graphs, and their transforms.

``derive`` makes graphs from graphs, ``transforms`` is what users call. A transformed function is recorded
like every other function: it records what it transforms, differentiates that graph, and gives back
expressions. So transforms nest in any order, and what is differentiated is always a graph with symbols of its
own.
"""
