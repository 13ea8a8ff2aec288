"""The native backend beside hand-written C and other systems: one file per workload."""
